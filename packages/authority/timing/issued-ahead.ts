import { type Config, formatDocumentNumber, readTrustStatement } from '@datapunk/protocol'
import { caCertificate } from '../engine/ca-certificate.ts'
import type { Reader } from '../store/contract.ts'
import type { SlotKind } from '../store/rows.ts'

interface Known {
  readonly store: Pick<Reader, 'bundle' | 'slots' | 'trustStatements'>
  /** Milliseconds since the epoch. */
  readonly clock: () => number
  readonly config: { readonly authority: { readonly clockSkew: number } }
}

export interface Ahead {
  /** What is of the future, and what to do. */
  readonly message: string
  /** The commands that make everything anew, in their order, where the clock was ahead then. */
  readonly anew: string
}

/**
 * That the newest bundle, or a CA in use, is dated later than this clock; undefined where nothing is. Either the clock was ahead then,
 * or it is behind now, and only a person can tell which: what a clock that is behind makes anew has ended already for everybody else.
 */
export function aheadFault(
  known: Known & { readonly config: Pick<Config, 'transparency'> },
): Ahead | undefined {
  const { store, clock, config } = known
  const bundle = isBundleAhead(known) ? store.bundle() : undefined
  const cas = casAhead(known)
  const [ca] = cas
  if (bundle === undefined && ca === undefined) return undefined
  const found = bundle
    ? `bundle ${formatDocumentNumber(bundle)} is of ${timeText(bundle.issuedAt)}`
    : `the certificate of ${ca!.id} begins at ${timeText(ca!.notBefore)}`
  const has = (wanted: SlotKind) => cas.some(({ kind }) => kind === wanted)
  const rollOver = has('root') ? ['--root-ca'] : has('issuing-ca') ? ['--issuing-ca'] : []
  // Its time never goes back. What is published with another says that this clock is right, and pairs follow by themselves.
  const log = config.transparency === 'off' ? [] : ['--log']
  const steps = [...log, ...rollOver].length === 0 ? ['--all'] : [...log, ...rollOver]
  const anew = steps.map((step) => `\`mtls rotate ${step}\``).join(' and, once that is done, ')
  const message = `${found}, and this machine’s clock says ${timeText(clock())}: nobody whose clock says so too believes it. Set the clock, if it is behind; if it was ahead then, make everything anew with ${anew}`
  return { message, anew }
}

/**
 * The latest time that is not of the future, milliseconds since the epoch; infinity as long as nobody has said that this clock is right, by
 * what he had published anew.
 */
export function latestTime(known: Known): number {
  return latestAfter(known.store.bundle(), soonOf(known))
}

/** The same of a bundle. @param soon now, and what clocks may differ by; milliseconds since the epoch */
export function latestAfter(bundle: { readonly issuedAt: number } | undefined, soon: number): number {
  return (bundle?.issuedAt ?? 0) > soon ? Number.POSITIVE_INFINITY : soon
}

/** Whether the newest trust statement is of the future: peers believe it only together with one that follows it, and is not. */
export function isTrustStatementAhead(known: Known): boolean {
  const newest = known.store.trustStatements().at(-1)
  return newest !== undefined && readTrustStatement(newest.bytes).issuedAt > latestTime(known)
}

/**
 * Whether a certificate is of the future, and another made now would not be: none begins before its issuer's.
 *
 * @param latest as `latestTime` says
 */
export function isMadeAhead(
  certificate: { readonly notBefore: number },
  issuer: { readonly notBefore: number },
  latest: number,
): boolean {
  return certificate.notBefore > latest && issuer.notBefore <= latest
}

function isBundleAhead(known: Known): boolean {
  return latestTime(known) === Number.POSITIVE_INFINITY
}

function casAhead(known: Known) {
  return known.store.slots().flatMap(({ id, kind, state, certificate }) => {
    if (state !== 'active' || certificate === undefined) return []
    const { notBefore } = caCertificate(certificate)
    return notBefore > soonOf(known) ? [{ id, kind, notBefore }] : []
  })
}

/** Clocks may differ. */
function soonOf({ clock, config }: Known): number {
  return clock() + config.authority.clockSkew
}

function timeText(time: number): string {
  return new Date(time).toISOString()
}
