import type { PkiError } from '@datapunk/pki'
import { MeshError } from '../error.ts'
import type { Identity } from '../gate/identity.ts'

/** That there is none for a certificate that demands one. */
export function stapleMissing({ leaf, file }: Identity, cause: unknown): MeshError {
  const why = cause instanceof Error ? cause.message : String(cause)
  return new MeshError(
    'STAPLE_MISSING',
    `found no OCSP staple for the certificate ${leaf.serial} in ${file} (the authority: ${why}), which says that it must come with one (RFC 7633), so that callers refuse a server that shows it; allowed: one that says good: start the authority (\`mtls up\`); it is asked again, and a good pair before this one serves until then`,
    { cause, data: { file, serial: leaf.serial } },
  )
}

/** That what the authority gave can't be shown to anybody. */
export function stapleRefused({ leaf, file }: Identity, rule: string, cause?: PkiError): MeshError {
  return new MeshError(
    'STAPLE_REFUSED',
    `found an OCSP staple for the certificate ${leaf.serial} in ${file} that is not shown to anybody (${cause?.message ?? `it says ${rule.toLowerCase()}`}); allowed: one that says good: \`mtls status\` says what is known of the certificate; the authority is asked again`,
    { cause, data: { file, serial: leaf.serial, rule } },
  )
}
