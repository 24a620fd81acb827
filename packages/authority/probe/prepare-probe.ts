import { type DocumentNumber, PROBE } from '@datapunk/protocol'
import { recordSettings } from '../applying/record-settings.ts'
import type { Engine } from '../engine/engine.ts'
import { AuthorityError } from '../error.ts'
import { servedCertificates } from '../inventory/serving.ts'
import { announceKeys } from '../publishing/announce-keys.ts'
import { issueNow } from '../rotation/issue-now.ts'
import { probeService } from '../services/probe-service.ts'
import type { RefusedPairKind } from '../services/refused-pair-kinds.ts'
import { settingsOf } from '../services/settings.ts'
import type { ServiceRow } from '../store/rows.ts'
import { refusedPair, type ShownPair } from './refused-pairs.ts'

/** What `mtls probe` shows to services. */
export interface ProbePairs extends Readonly<Record<RefusedPairKind, ShownPair>> {
  /** The good one: refused only because nobody lets the probe in. */
  readonly current: ShownPair
  /** When the revoked one was revoked, milliseconds since the epoch. */
  readonly revokedAt: number
  /** By this bundle every peer knows whom it refuses, and for what. */
  readonly bundle: DocumentNumber
}

/**
 * Sees that the probe is a member, and has the pairs that it shows. The first to ask makes it one: a mesh that was never probed
 * has none. From then on `apply` keeps its pair as it does those of services.
 *
 * @throws AuthorityError `SERVICE_BARRED` where somebody has revoked it; whatever issuing and revoking throw
 */
export async function prepareProbe(engine: Engine): Promise<ProbePairs> {
  const probe = rowOf(engine) ?? (await makeMember(engine))
  if (probe.barredAt !== undefined) throw barred()
  const current = await currentPair(engine, probe)
  const revoked = await refusedPair(engine, 'revoked', probe)
  const expired = await refusedPair(engine, 'expired', probe)
  const notYetValid = await refusedPair(engine, 'not-yet-valid', probe)
  await announceKeys(engine)
  const { store } = engine
  const revokedAt = store.revocation(revoked.serial)!.at
  return { current, revoked, revokedAt, expired, 'not-yet-valid': notYetValid, bundle: store.bundle()! }
}

function rowOf({ store }: Engine): ServiceRow | undefined {
  return store.services().find(({ service, state }) => service === PROBE && state === 'member')
}

async function makeMember(engine: Engine): Promise<ServiceRow> {
  const { config } = engine
  const settings = settingsOf(config, probeService(config))
  const reason = 'the mesh is probed for the first time'
  await recordSettings(engine, [{ kind: 'add-service', subject: PROBE, safety: 'safe', settings, reason }])
  return rowOf(engine)!
}

async function currentPair(engine: Engine, probe: ServiceRow): Promise<ShownPair> {
  const folder = engine.layout.instance(PROBE).current
  const served = servedCertificates(engine).get(PROBE)
  const { serial, notAfter } = served ?? (await issueNow(engine, probe))
  return { folder, serial, notAfter }
}

function barred(): AuthorityError {
  return new AuthorityError(
    'SERVICE_BARRED',
    `found that the certificate of ${PROBE} was revoked by somebody; allowed: \`mtls issue ${PROBE}\`, and then \`mtls probe\``,
    { data: { service: PROBE } },
  )
}
