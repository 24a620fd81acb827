import { join } from 'node:path'
import { spkiOf } from '@datapunk/pki'
import { PROBE } from '@datapunk/protocol'
import { PairFolder } from '../disk/pair.ts'
import type { Engine } from '../engine/engine.ts'
import { AuthorityError } from '../error.ts'
import { type IssuedCertificate, issueLeaf } from '../issuing/issue.ts'
import { chainOf, withIssuer } from '../issuing/issue-pair.ts'
import { revoke } from '../revocation/revoke.ts'
import type { RefusedPairKind } from '../services/refused-pair-kinds.ts'
import {
  certificateRequestOf,
  decodeRequest,
  decodeSettings,
  isAsAsked,
  type Settings,
} from '../services/settings.ts'
import type { CertificateRow, ServiceRow } from '../store/rows.ts'

const HOUR = 60 * 60 * 1000
const DAY = 24 * HOUR

/**
 * An honest certificate of the probe that nobody is to accept: not because anything in it is wrong, but because it was revoked,
 * has ended, or has not begun. Each is made as every certificate is, linted, logged and on record.
 */
interface RefusedPair {
  /** Days. */
  readonly life: (settings: Settings) => number
  /** Milliseconds since the epoch; undefined: as every certificate. */
  readonly notBefore: (now: number) => number | undefined
  /** Whether it still shows what it is for. @param skew what clocks may differ by, milliseconds */
  readonly isOfUse: (row: CertificateRow, now: number, skew: number) => boolean
}

const pairs: Readonly<Record<RefusedPairKind, RefusedPair>> = {
  revoked: {
    life: ({ validityDays }) => validityDays,
    notBefore: () => undefined,
    // Once it has ended, that is what it is refused for.
    isOfUse: ({ state, notBefore, notAfter }, now) =>
      state === 'revoked' && now < notAfter - (notAfter - notBefore) / 10,
  },
  // Whoever probes for the first time waits for its end, so that is soon; then it is of use for ever.
  expired: { life: () => 4000 / DAY, notBefore: () => undefined, isOfUse: ({ state }) => state === 'issued' },
  // Nothing may begin later than 48 hours after it was signed (Baseline Requirements 7.1.2.7).
  'not-yet-valid': {
    life: () => HOUR / DAY,
    notBefore: (now) => now + 47 * HOUR,
    isOfUse: ({ state, notBefore }, now, skew) => state === 'issued' && now + HOUR + skew < notBefore,
  },
}

/** Where it lies, and what it is. */
export interface ShownPair {
  /** Absolute: `cert.pem`, leaf and issuing CA, and `key.pem`. */
  readonly folder: string
  /** Lowercase hex. */
  readonly serial: string
  /** Milliseconds since the epoch. */
  readonly notAfter: number
}

/** The pair of this kind; made anew where there is none that is of use. @param probe with whose names */
export async function refusedPair(
  engine: Engine,
  kind: RefusedPairKind,
  probe: ServiceRow,
): Promise<ShownPair> {
  const { layout, disk } = engine
  disk.ensureFolder(layout.authority.probe, 0o700)
  const dir = join(layout.authority.probe, kind)
  const folder = new PairFolder(dir, disk)
  const found = recordOf(engine, folder)
  const isGood = found !== undefined && isOfUse(engine, kind, probe, found)
  const { serial, notAfter } = isGood ? found : await makePair(engine, kind, probe, folder)
  return { folder: join(dir, 'current'), serial, notAfter }
}

/** What is on record of the pair that lies there; one that is not whole is made anew. */
function recordOf({ store }: Engine, folder: PairFolder): CertificateRow | undefined {
  try {
    const pair = folder.read()
    const row = pair && store.certificate(pair.certificate.serial)
    return row?.profile === 'probe' ? row : undefined
  } catch (error) {
    if (error instanceof AuthorityError) return undefined
    throw error
  }
}

/** Whether it is refused for what it is to show, and for nothing else. */
function isOfUse(
  { store, config, clock }: Engine,
  kind: RefusedPairKind,
  { settings }: ServiceRow,
  row: CertificateRow,
): boolean {
  const slot = store.slots().find(({ id }) => id === row.slot)?.state
  const isBelieved = slot === 'active' || slot === 'retiring'
  const isAsWanted = isAsAsked(decodeRequest(row.request), decodeSettings(settings))
  return isBelieved && isAsWanted && pairs[kind].isOfUse(row, clock(), config.authority.clockSkew)
}

async function makePair(
  engine: Engine,
  kind: RefusedPairKind,
  { spiffeId, settings: text }: ServiceRow,
  folder: PairFolder,
): Promise<IssuedCertificate> {
  const { clock, report, makeKeyPair } = engine
  const settings = decodeSettings(text)
  const request = certificateRequestOf(settings)
  const { privateKey, publicKey } = await makeKeyPair(settings.keyAlgorithm, { rsaBits: settings.keySize })
  const leaf = {
    ...{ spiffeId, request },
    instance: undefined,
    profile: 'probe',
    spki: spkiOf(publicKey),
    validityDays: pairs[kind].life(settings),
    notBefore: pairs[kind].notBefore(clock()),
    mayWait: true,
  } as const
  const { issued, certificatePem } = await withIssuer(engine, async (issuer) => {
    const issued = await issueLeaf(leaf, issuer, engine)
    return { issued, certificatePem: chainOf(issued.der, issuer) }
  })
  const { serial, notAfter } = issued
  const detail = { serial, notAfter: new Date(notAfter).toISOString(), toBe: kind }
  report({ kind: 'certificate-issued', subject: PROBE, at: clock(), detail })
  // Its key lies nowhere before nobody accepts it any more.
  if (kind === 'revoked') await revoke(engine, { targets: [{ serial }], reason: 'cessation-of-operation' })
  const keyPem = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
  folder.swap({ certificatePem, keyPem }, { keyMode: 0o600 })
  return issued
}
