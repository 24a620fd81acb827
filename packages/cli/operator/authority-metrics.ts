import type { AuthorityEventKind, Measurements } from '@datapunk/authority'
import { byLabel, type Metric, type Sample } from '@datapunk/mesh/operator'

/** What the metrics of an authority are computed from. */
export interface AuthorityFacts {
  readonly measured: Measurements
  /** Of events, by kind: all kinds, so that the first of one is an increase. */
  readonly events: Readonly<Record<AuthorityEventKind, number>>
  /** Whether the last look at the config file and the mesh failed as a whole. */
  readonly lookFailed: boolean
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** What `mtls up` tells of the mesh. `docs/metrics.md` has them all. */
export const authorityMetrics: readonly Metric<AuthorityFacts>[] = [
  {
    name: 'mtls_ready',
    type: 'gauge',
    help: 'Whether this process can do what it is there for now; 0 is what /readyz gives the reason of',
    samples: ({ measured }) => [[measured.fault === undefined ? 1 : 0]],
  },
  {
    name: 'mtls_halted',
    type: 'gauge',
    help: 'Whether nothing is signed any more, because the state folder is not the newest of its mesh',
    samples: ({ measured }) => [[measured.halted ? 1 : 0]],
  },
  {
    name: 'mtls_look_failed',
    type: 'gauge',
    help: 'Whether the last look at the config file and the mesh failed as a whole: the file has faults, or the disk',
    samples: ({ lookFailed }) => [[lookFailed ? 1 : 0]],
  },
  {
    name: 'mtls_services',
    type: 'gauge',
    help: 'Members that have a certificate',
    samples: ({ measured }) => [[measured.services]],
  },
  {
    name: 'mtls_instances',
    type: 'gauge',
    help: 'Instances of members that have a certificate',
    samples: ({ measured }) => [[measured.instances]],
  },
  {
    name: 'mtls_certificate_expiry_seconds',
    type: 'gauge',
    help: 'Until the soonest end of a certificate of this kind that this process has in use',
    labels: ['kind'],
    samples: ({ measured: { ends }, now }) => [
      ...until(ends.root, now, { kind: 'root' }),
      ...until(ends.issuingCa, now, { kind: 'issuing-ca' }),
      ...until(ends.leaf, now, { kind: 'leaf' }),
      ...until(ends.authority, now, { kind: 'authority' }),
    ],
  },
  {
    name: 'mtls_service_certificate_expiry_seconds',
    type: 'gauge',
    help: 'Until the end of the certificate of a service, of those that end soonest (authority.metrics_services)',
    labels: ['service'],
    samples: ({ measured, now }) =>
      measured.soonest.flatMap(({ service, notAfter }) => until(notAfter, now, { service })),
  },
  {
    name: 'mtls_renewal_overdue_seconds',
    type: 'gauge',
    help: 'For how long the renewal has been due that has been due longest; 0 where none is',
    samples: ({ measured }) => [[measured.renewalOverdue / 1000]],
  },
  {
    name: 'mtls_bundle_expiry_seconds',
    type: 'gauge',
    help: 'Until the end of the newest mesh bundle that this process has',
    samples: ({ measured: { bundle }, now }) => until(bundle?.expiresAt, now),
  },
  {
    name: 'mtls_bundle_lifetime_seconds',
    type: 'gauge',
    help: 'For how long that bundle is valid in all',
    samples: ({ measured: { bundle } }) => until(bundle?.expiresAt, bundle?.issuedAt ?? 0),
  },
  {
    name: 'mtls_list_expiry_seconds',
    type: 'gauge',
    help: 'Until the soonest end of a revocation list',
    samples: ({ measured, now }) => until(measured.listEnds, now),
  },
  {
    name: 'mtls_list_left_ratio',
    type: 'gauge',
    help: 'The least share of the life of a revocation list that is left; the next one is signed at half',
    samples: ({ measured: { listLeft } }) => (listLeft === undefined ? [] : [[listLeft]]),
  },
  {
    name: 'mtls_outage_budget_seconds',
    type: 'gauge',
    help: 'How long this process, or the whole mesh, goes on if the authority does nothing from now on',
    samples: ({ measured, now }) => until(measured.outage?.until, now),
  },
  {
    name: 'mtls_outage_budget_expected_seconds',
    type: 'gauge',
    help: 'The least that this budget is where all is well: just before what ends first is renewed',
    samples: ({ measured: { outage } }) => (outage === undefined ? [] : [[outage.expected / 1000]]),
  },
  {
    name: 'mtls_peers_live',
    type: 'gauge',
    help: 'Processes that speak to the authority now, or did within 30 seconds',
    samples: ({ measured: { peers } }) => [[peers.live]],
  },
  {
    name: 'mtls_peers_late',
    type: 'gauge',
    help: 'Live peers that have not acknowledged the newest bundle',
    samples: ({ measured: { peers } }) => [[peers.late]],
  },
  {
    name: 'mtls_acknowledgement_lag_seconds',
    type: 'gauge',
    help: 'For how long the live peer that is latest has not acknowledged the newest bundle; 0 where all have',
    samples: ({ measured: { peers } }) => [[peers.lag / 1000]],
  },
  {
    name: 'mtls_backing_off',
    type: 'gauge',
    help: 'Instances for which this failed last time and is tried again later',
    labels: ['what'],
    samples: ({ measured: { backoff } }) => [
      [backoff.issue.instances, { what: 'issue' }],
      [backoff.reload.instances, { what: 'reload' }],
    ],
  },
  {
    name: 'mtls_backoff_failures',
    type: 'gauge',
    help: 'The most failures in a row among these',
    labels: ['what'],
    samples: ({ measured: { backoff } }) => [
      [backoff.issue.failures, { what: 'issue' }],
      [backoff.reload.failures, { what: 'reload' }],
    ],
  },
  {
    name: 'mtls_waiting_steps',
    type: 'gauge',
    help: 'Steps that wait for somebody: peers that are late, keys of roots that are away, an approval by mtls apply',
    labels: ['for'],
    samples: ({ measured: { waiting } }) => [
      [waiting.peers, { for: 'peers' }],
      [waiting.rootKeys, { for: 'root-keys' }],
      [waiting.approval, { for: 'approval' }],
    ],
  },
  {
    name: 'mtls_events_total',
    type: 'counter',
    help: 'What was done and what failed, by kind, as mtls up --json prints it',
    labels: ['kind'],
    samples: ({ events }) => byLabel('kind', events),
  },
  {
    name: 'mtls_backup_age_seconds',
    type: 'gauge',
    help: 'Since the moment that the last backup shows; absent where there is none',
    samples: ({ measured: { backedUpAt }, now }) =>
      backedUpAt === undefined ? [] : [[(now - backedUpAt) / 1000]],
  },
  {
    name: 'mtls_keys_not_backed_up',
    type: 'gauge',
    help: 'CA and bundle keys that have been made, or have come into use, since the last backup',
    samples: ({ measured }) => [[measured.keysSinceBackup]],
  },
  {
    name: 'mtls_audit_entries',
    type: 'gauge',
    help: 'Entries of the audit',
    samples: ({ measured }) => [[measured.auditEntries]],
  },
  {
    name: 'mtls_log_entries',
    type: 'gauge',
    help: 'Entries of a transparency log that were compared with what is on record',
    labels: ['log'],
    samples: ({ measured }) => measured.loggedEntries.map(({ slot, entries }) => [entries, { log: slot }]),
  },
]

/** Seconds: peers that are well take milliseconds, those that were asleep minutes. */
const buckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300]

export const bundleToEnforced = {
  name: 'mtls_bundle_to_enforced_seconds',
  help: 'From the signature of a bundle to the acknowledgement of the last live peer',
  buckets,
}

export const revokeToEnforced = {
  name: 'mtls_revoke_to_enforced_seconds',
  help: 'From the first revocation that was not enforced to the acknowledgement of the last live peer',
  buckets,
}

/** What there is none of has no sample. */
function until(
  end: number | undefined,
  now: number,
  labels: Readonly<Record<string, string>> = {},
): Sample[] {
  return end === undefined ? [] : [[(end - now) / 1000, labels]]
}
