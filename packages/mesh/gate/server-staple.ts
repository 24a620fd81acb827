import { PkiError } from '@datapunk/pki'
import { Refused } from '../refusal.ts'
import type { Standing } from './standing.ts'
import { examineStaple, isMustStaple, type Staple } from './staple.ts'
import type { MeshView } from './view.ts'

/** What came last with a certificate. A standing belongs to one view, so that an answer never outlives the trust it rests on. */
const known = new WeakMap<Standing, Staple>()

/**
 * What the staple of a server has to say. One that says `revoked` counts whatever the certificate; that there is none, or that
 * it can't be believed, counts where the certificate demands one. Else the bundle has decided.
 *
 * @param given null where none came along
 * @param at milliseconds since the epoch
 * @throws Refused `STAPLE_MISSING`, `STAPLE_BAD`, `REVOKED`
 */
export function checkStaple(standing: Standing, given: Uint8Array | null, view: MeshView, at: number): void {
  const isRequired = isMustStaple(standing.leaf)
  if (given === null) {
    if (isRequired) throw missing(standing)
    return
  }
  const staple = believable(standing, given, view, at)
  if (staple instanceof PkiError) {
    if (isRequired) throw bad(standing, staple.message, staple)
    return
  }
  if (staple.status.kind === 'revoked') throw revoked(standing, staple.status.at)
  if (staple.status.kind === 'unknown' && isRequired) throw bad(standing, 'its responder does not know it')
}

function believable(standing: Standing, given: Uint8Array, view: MeshView, at: number): Staple | PkiError {
  const last = known.get(standing)
  if (last?.der.equals(given) && last.thisUpdate <= at && at <= last.until) return last
  try {
    const staple = examineStaple(given, standing, view, at)
    known.set(standing, staple)
    return staple
  } catch (error) {
    if (error instanceof PkiError) return error
    throw error
  }
}

function missing({ leaf, member: { service } }: Standing): Refused {
  return new Refused(
    'STAPLE_MISSING',
    `found no OCSP staple with the certificate ${leaf.serial} of ${service}, which says that it must come with one (RFC 7633); allowed: one that says good`,
    fixFor(service),
    { leaf },
  )
}

function bad({ leaf, member: { service } }: Standing, why: string, cause?: PkiError): Refused {
  return new Refused(
    'STAPLE_BAD',
    `found an OCSP staple that vouches for nothing (${why}) with the certificate ${leaf.serial} of ${service}, which says that it must come with one (RFC 7633); allowed: one that says good`,
    fixFor(service),
    { leaf, cause },
  )
}

function revoked({ leaf, member: { service } }: Standing, at: number): Refused {
  return new Refused(
    'REVOKED',
    `found the certificate ${leaf.serial} of ${service}, revoked at ${new Date(at).toISOString()} by its own OCSP staple; allowed: one that is not`,
    `use the newest pair of ${service}: \`mtls status\` says whether it has one; \`mtls issue ${service}\` lets a barred service in again`,
    { leaf },
  )
}

function fixFor(service: string): string {
  return `see the "problem" records of ${service}: its staple comes from the authority (\`mtls up\`); services.${service}.ocsp_stapling says whether its certificate demands one`
}
