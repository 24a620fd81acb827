import type { Condition, Counters } from '../mesh-events.ts'
import { byLabel, type Metric } from './metric.ts'

/** What the metrics of a service are computed from. */
export interface MeshFacts {
  readonly condition: Condition
  readonly counters: Counters
  /** Milliseconds since the epoch. */
  readonly now: number
}

/** What a service tells of itself. `docs/metrics.md` has them all. */
export const meshMetrics: readonly Metric<MeshFacts>[] = [
  {
    name: 'mtls_ready',
    type: 'gauge',
    help: 'Whether this process can do what it is there for now; 0 is what /readyz gives the reason of',
    samples: ({ condition }) => [[condition.fault === undefined ? 1 : 0]],
  },
  {
    name: 'mtls_certificate_expiry_seconds',
    type: 'gauge',
    help: 'Until the soonest end of a certificate of this kind that this process has in use',
    labels: ['kind'],
    samples: ({ condition: { certificateEnds, issuingCaEnds, rootEnds }, now }) => [
      [secondsFrom(now, certificateEnds), { kind: 'leaf' }],
      [secondsFrom(now, issuingCaEnds), { kind: 'issuing-ca' }],
      [secondsFrom(now, rootEnds), { kind: 'root' }],
    ],
  },
  {
    name: 'mtls_bundle_expiry_seconds',
    type: 'gauge',
    help: 'Until the end of the newest mesh bundle that this process has',
    samples: ({ condition, now }) => [[secondsFrom(now, condition.bundle.expiresAt)]],
  },
  {
    name: 'mtls_bundle_lifetime_seconds',
    type: 'gauge',
    help: 'For how long that bundle is valid in all',
    samples: ({ condition: { bundle } }) => [[secondsFrom(bundle.issuedAt, bundle.expiresAt)]],
  },
  {
    name: 'mtls_outage_budget_seconds',
    type: 'gauge',
    help: 'How long this process, or the whole mesh, goes on if the authority does nothing from now on',
    samples: ({ condition: { certificateEnds, bundle }, now }) => [
      [secondsFrom(now, Math.min(certificateEnds, bundle.expiresAt))],
    ],
  },
  {
    name: 'mtls_outage_budget_expected_seconds',
    type: 'gauge',
    help: 'The least that this budget is where all is well: just before what ends first is renewed',
    samples: ({ condition }) => [[condition.expectedBudget / 1000]],
  },
  {
    name: 'mtls_authority_heard',
    type: 'gauge',
    help: 'Whether this service has an open stream to the authority',
    samples: ({ condition }) => [[condition.heard ? 1 : 0]],
  },
  {
    name: 'mtls_connections_open',
    type: 'gauge',
    help: 'Connections that passed the gate and are open, both ways',
    samples: ({ counters }) => [[counters.open]],
  },
  {
    name: 'mtls_connections_cut_total',
    type: 'counter',
    help: 'Open connections that were ended because the certificate, membership or right of the peer was gone',
    samples: ({ counters }) => [[counters.cut]],
  },
  {
    name: 'mtls_handshakes_total',
    type: 'counter',
    help: 'Connections that came to the gate, both ways, by result; a refused one by the rule that refused it',
    labels: ['result', 'rule'],
    samples: ({ counters }) => [
      [counters.accepted, { result: 'accepted', rule: '' }],
      ...byLabel('rule', counters.refused, { result: 'refused' }),
    ],
  },
  {
    name: 'mtls_handshakes_reported_total',
    type: 'counter',
    help: 'Connections that were accepted, and would have been refused by a check that only reports now',
    labels: ['rule'],
    samples: ({ counters }) => byLabel('rule', counters.reported),
  },
  {
    name: 'mtls_rotations_total',
    type: 'counter',
    help: 'Pairs of certificate and key that were taken up in place of an earlier one',
    samples: ({ counters }) => [[counters.rotated]],
  },
  {
    name: 'mtls_problems_total',
    type: 'counter',
    help: 'Files and documents that were found and not believed, and failures to speak to the authority, by error code',
    labels: ['code'],
    // From 0, because the first of these has to be an increase.
    samples: ({ counters }) => byLabel('code', { AUDIT_WENT_BACK: 0, ...counters.problems }),
  },
  {
    name: 'mtls_log_alarms_total',
    type: 'counter',
    help: 'Proofs that a log or a certificate is not what it is said to be, by kind',
    labels: ['kind'],
    samples: ({ counters: { alarms } }) =>
      byLabel('kind', { absent: 0, contradiction: 0, misissued: 0, ...alarms }),
  },
]

function secondsFrom(now: number, then: number): number {
  return (then - now) / 1000
}
