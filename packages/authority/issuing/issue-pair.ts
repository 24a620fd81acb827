import { type Certificate, encodePem } from '@datapunk/pki'
import type { KeyText } from '../disk/next-key.ts'
import { PairFolder } from '../disk/pair.ts'
import { type SwapThreads, withSwapThreads } from '../disk/swap-threads.ts'
import { caCertificate } from '../engine/ca-certificate.ts'
import type { Engine } from '../engine/engine.ts'
import { checkHalt, haltEvidence } from '../engine/halt.ts'
import { LIVENESS } from '../engine/peer-book.ts'
import { folderOptions, linkFiles } from '../engine/place.ts'
import { activeSlot, certificateOf } from '../engine/slots.ts'
import { AuthorityError } from '../error.ts'
import { keyChoice, keyToCertify } from '../pinning/key-to-certify.ts'
import type { Holder } from '../pinning/make-next-keys.ts'
import { parseConstraints } from '../services/constraints.ts'
import { certificateRequestOf, decodeSettings } from '../services/settings.ts'
import type { Reader } from '../store/contract.ts'
import type { AttemptRow, CertificateRow } from '../store/rows.ts'
import { nextTry } from '../timing/pace.ts'
import { type Issuer, issueLeaf } from './issue.ts'
import { issuedConstraints, settingsToCertify } from './issued-constraints.ts'

/** How many certificates are made at once where somebody waits: enough to share each commit, few enough to keep memory small. */
const AT_ONCE = 128

/** Those are made in so many groups: while the pairs of one are swapped, the certificates of the other are signed. */
const GROUPS = 2

/**
 * As after so many failures in a row, that is within eight minutes, whoever waits for others looks whether they are there, though
 * nobody was heard of.
 */
const WHILE_OTHERS_ARE_LATE = 5

/** A certificate that was issued, with the chain its service shows. */
export interface IssuedChain {
  readonly service: string
  readonly instance: string
  /** Lowercase hex. */
  readonly serial: string
  /** Milliseconds since the epoch. */
  readonly notAfter: number
  /** PEM: leaf, then issuing CA. */
  readonly certificate: string
}

export interface Issuance extends Holder {
  /** What the instance shows, and peers accept: then it waits until they know the next key. Undefined where that is nothing. */
  readonly serving: CertificateRow | undefined
}

/** Opens the issuing key for as long as `use` takes. */
export function withIssuer<Result>(
  engine: Engine,
  use: (issuer: Issuer) => Promise<Result>,
): Promise<Result> {
  const slot = activeSlot(engine, 'issuing-ca')
  const certificate = certificateOf(slot)
  const above = vouchersFor(engine.store, certificate)
  const text = issuedConstraints(engine, slot)
  const constraints = text === undefined ? undefined : parseConstraints(text)
  return engine.keys.withSigner(slot, (signer) =>
    use({ slot: slot.id, certificate, constraints, signer, above }),
  )
}

/** What an issuance that is one of many gets from those who make them all. */
interface AmongMany {
  readonly key: Promise<KeyText>
  readonly threads: SwapThreads
}

/** Story 1 for an instance whose key lives here, from its key to its event. */
export async function issuePair(
  engine: Engine,
  issuance: Issuance,
  issuer: Issuer,
  among?: AmongMany,
): Promise<IssuedChain> {
  const { disk, layout, report, clock } = engine
  const { instance, service } = issuance
  const settings = settingsToCertify(issuer.constraints, decodeSettings(service.settings))
  const request = certificateRequestOf(settings)
  // 2 The key, made where it lives, and made known, before the certificate before this one was used up.
  const { keyPem, spki } = await (among?.key ?? keyToCertify(engine, issuance, keyChoice(engine)))
  // 3 to 8
  const mayWait = issuance.serving !== undefined
  const leaf = { instance, spiffeId: service.spiffeId, validityDays: settings.validityDays, spki, mayWait }
  const issued = await issueLeaf({ ...leaf, request }, issuer, engine)
  // 9 Certificate and key swapped in as one pair.
  const certificatePem = chainOf(issued.der, issuer)
  const folder = new PairFolder(layout.instance(instance).dir, disk)
  const [pair, options] = [{ certificatePem, keyPem }, folderOptions(engine, settings)]
  if (among === undefined) folder.swap(pair, options)
  else await folder.swapOn(among.threads, pair, options)
  linkFiles(engine, settings, instance)
  // 10
  const { serial, notAfter } = issued
  const detail = { instance, serial, notAfter: new Date(notAfter).toISOString() }
  report({ kind: 'certificate-issued', subject: service.service, at: clock(), detail })
  return { service: service.service, instance, serial, notAfter, certificate: certificatePem }
}

export interface IssuePairsOptions {
  /** Where nobody waits: `rotation.at_once`. */
  readonly atOnce?: number | undefined
  /** Whose next key could not be made. */
  readonly notMade?: ReadonlyMap<string, Error>
  /** Instances that nobody waits for. */
  readonly leftOut?: readonly string[] | undefined
  /** What fails is tried again by itself, because it is due: it is put on record, with the time of its next try. */
  readonly isDue: boolean
  /** Nobody asked for it: what fails again is tried again later than before. */
  readonly automatic?: boolean
}

/**
 * Issues many, a few at once; one that fails harms none of the others.
 *
 * @throws AuthorityError `INVENTORY_OUTDATED`: the others are not begun
 */
export async function issuePairs(
  engine: Engine,
  issuances: readonly Issuance[],
  { atOnce = AT_ONCE, notMade, leftOut, isDue, automatic = false }: IssuePairsOptions,
): Promise<ReadonlyMap<string, Error>> {
  const failed = new Map<string, Error>()
  if (issuances.length === 0) return failed
  const before = new Map(
    engine.store.attempts().flatMap((row) => (row.kind === 'issue' ? [[row.subject, row]] : [])),
  )
  const issueOne = async (issuance: Issuance, issuer: Issuer, among: AmongMany) => {
    try {
      await issuePair(engine, issuance, issuer, among)
      if (before.has(issuance.instance)) await forgetFailure(engine, issuance)
    } catch (cause) {
      const error = cause instanceof Error ? cause : new Error(String(cause))
      failed.set(issuance.instance, error)
      // Nothing is signed any more: that is no failure of this one.
      if (haltEvidence(engine) !== undefined) return
      const known = before.get(issuance.instance)
      const next = isDue ? await recordFailure(engine, issuance, error, { known, automatic }) : undefined
      if (isWait(error) && next !== undefined && isToldBefore(known, next)) return
      const detail = next && { nextTryAt: new Date(next.nextTryAt).toISOString() }
      const told = { instance: issuance.instance, error: error.message, ...detail }
      const subject = issuance.service.service
      engine.report({ kind: 'issue-failed', subject, at: engine.clock(), detail: told })
    }
  }
  const choice = keyChoice(engine, { notMade, leftOut })
  const waiting = [...issuances]
  const issueInGroups = async (issuer: Issuer, threads: SwapThreads) => {
    const size = Math.ceil(atOnce / GROUPS)
    while (waiting.length > 0 && haltEvidence(engine) === undefined) {
      const group = waiting.splice(0, size)
      // Whoever has his key at the same time as the others shares each commit with them.
      const keys = group.map((issuance) => keyToCertify(engine, issuance, choice))
      await Promise.allSettled(keys)
      const issuing = group.map((one, index) => issueOne(one, issuer, { key: keys[index]!, threads }))
      await Promise.all(issuing)
    }
  }
  await withSwapThreads(engine.disk, Math.min(atOnce, issuances.length), (threads) =>
    withIssuer(engine, async (issuer) => {
      await Promise.all(Array.from({ length: GROUPS }, () => issueInGroups(issuer, threads)))
    }),
  )
  checkHalt(engine)
  return failed
}

interface Failed {
  /** What is on record of it. */
  readonly known: AttemptRow | undefined
  readonly automatic: boolean
}

async function recordFailure(
  engine: Engine,
  { instance }: Issuance,
  error: Error,
  failed: Failed,
): Promise<AttemptRow> {
  const { store } = engine
  const next = isWait(error) ? nextWhileWaiting(engine, error, failed) : nextAttempt(engine, failed)
  const row = { kind: 'issue', subject: instance, ...next, error: error.message } as const
  // A store that can't be written has failed already; it is tried again as soon as anything is.
  await store.write((transaction) => transaction.putAttempt(row)).catch(() => {})
  return row
}

type NextAttempt = Pick<AttemptRow, 'attempts' | 'nextTryAt' | 'waits'>

/** Only what fails by itself is tried ever more rarely: neither who tries by hand, nor who waits for others, makes that later. */
function nextAttempt({ clock, randomBytes }: Engine, { known, automatic }: Failed): NextAttempt {
  const now = clock()
  const before = known?.attempts ?? 0
  if (!automatic && known !== undefined)
    return { attempts: Math.max(1, before), nextTryAt: Math.max(now, known.nextTryAt), waits: false }
  return { attempts: before + 1, nextTryAt: nextTry(now, before + 1, randomBytes), waits: false }
}

/** Peers need a moment for what they have just been told: as long as they may take to come, nothing has failed. */
function nextWhileWaiting(
  { clock, randomBytes }: Engine,
  { data }: AuthorityError,
  { known }: Failed,
): NextAttempt {
  const now = clock()
  // Whoever waits for others does so no longer than he may.
  const noLaterThanAllowed = (time: number) => Math.min(time, Number(data.until))
  const firstMoments = known === undefined ? now + LIVENESS : known.attempts === 0 ? known.nextTryAt : now
  if (now < firstMoments) return { attempts: 0, nextTryAt: noLaterThanAllowed(firstMoments), waits: true }
  const nextTryAt = noLaterThanAllowed(nextTry(now, WHILE_OTHERS_ARE_LATE, randomBytes))
  return { attempts: Math.max(1, known?.attempts ?? 0), nextTryAt, waits: true }
}

/** Whether nobody has to hear of a wait, because it is in its first moments, or is for the same ones as a minute ago. */
function isToldBefore(known: AttemptRow | undefined, { attempts, error }: AttemptRow): boolean {
  return attempts === 0 || (known !== undefined && known.attempts > 0 && known.error === error)
}

function isWait(error: Error): error is AuthorityError {
  return error instanceof AuthorityError && error.code === 'PIN_NOT_ACKNOWLEDGED'
}

function forgetFailure({ store }: Engine, { instance }: Issuance): Promise<void> {
  return store.write((transaction) => transaction.forgetAttempt('issue', instance))
}

/** What a service shows. @returns PEM: leaf, issuing CA, and while the root rolls over the old root's word for the new one */
export function chainOf(leaf: Uint8Array, { certificate, above = [] }: Issuer): string {
  return [leaf, certificate.der, ...above].map((der) => encodePem('CERTIFICATE', der)).join('')
}

/** Cross-certificates of the root above an issuing CA, by roots that are still trusted: new with old (RFC 9810). */
function vouchersFor(store: Reader, issuingCa: Certificate): Uint8Array[] {
  const roots = new Map(store.slots().map(({ id, state }) => [id, state]))
  return store.issuedOf('cross').flatMap(({ slot, der }) => {
    const { subject } = caCertificate(der!)
    const isTrusted = roots.get(slot) === 'retiring' || roots.get(slot) === 'active'
    return isTrusted && Buffer.compare(subject.der, issuingCa.issuer.der) === 0 ? [der!] : []
  })
}
