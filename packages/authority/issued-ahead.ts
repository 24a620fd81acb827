import { formatDocumentNumber } from '@datapunk/protocol'
import { caCertificate } from './ca-certificate.ts'
import type { Reader } from './store/contract.ts'
import type { SlotKind } from './store/rows.ts'

interface Known {
  readonly store: Pick<Reader, 'bundle' | 'slots'>
  /** Milliseconds since the epoch. */
  readonly clock: () => number
  readonly config: { readonly authority: { readonly clockSkew: number } }
}

/**
 * That the newest bundle, or a CA in use, is of the future by this clock: one that was ahead once, or is behind now. Which of them
 * nobody here can know: made anew by a clock that is behind, everything would have ended already for whoever has the right time. So
 * somebody has to say it. Undefined where all is of the past.
 */
export function aheadFault(known: Known): string | undefined {
  const { store, clock } = known
  const bundle = isBundleAhead(known) ? store.bundle() : undefined
  const cas = casAhead(known)
  const [ca] = cas
  if (bundle === undefined && ca === undefined) return undefined
  const found = bundle
    ? `bundle ${formatDocumentNumber(bundle)} is of ${timeText(bundle.issuedAt)}`
    : `the certificate of ${ca!.id} begins at ${timeText(ca!.notBefore)}`
  const has = (wanted: SlotKind) => cas.some(({ kind }) => kind === wanted)
  const anew = has('root') ? '--root-ca' : has('issuing-ca') ? '--issuing-ca' : '--all'
  return `${found}, and this machine’s clock says ${timeText(clock())}: nobody whose clock says so too believes it. Set the clock, if it is behind; if it was ahead then, \`mtls rotate --log\` and, once that is done, \`mtls rotate ${anew}\` make everything anew`
}

/**
 * The latest time that is not of the future, milliseconds since the epoch; infinity as long as nobody has said that this clock is right, by
 * what he had published anew.
 */
export function latestTime(known: Known): number {
  return isBundleAhead(known) ? Number.POSITIVE_INFINITY : soonOf(known)
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
  return (known.store.bundle()?.issuedAt ?? 0) > soonOf(known)
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
