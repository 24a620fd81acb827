import { readFileSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { decodePem, parseCertificate } from '@datapunk/pki'
import { CliError } from '../cli-error.ts'

/** What the probe shows in one case. */
export interface ShownPair {
  /** PEM: leaf, then whatever is above it. */
  readonly certificate: string
  /** PEM, PKCS#8. */
  readonly key: string
  /** Of the leaf, lowercase hex. */
  readonly serial: string
  /** Where the certificate lies; undefined where it was made in memory, a moment ago. */
  readonly file?: string | undefined
}

/**
 * Reads a pair folder of the authority: `current` is resolved once, so that certificate and key are of one pair.
 *
 * @throws CliError `FILE_UNREADABLE`
 */
export function readPair(folder: string): ShownPair {
  try {
    const there = realpathSync(folder)
    const certificate = readFileSync(join(there, 'cert.pem'), 'utf8')
    const key = readFileSync(join(there, 'key.pem'), 'utf8')
    return { certificate, key, serial: serialOf(certificate), file: join(folder, 'cert.pem') }
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code ?? String(cause)
    throw new CliError(
      'FILE_UNREADABLE',
      `found no readable pair in ${folder} (${reason}); allowed: what the authority put there: run \`mtls probe\` as the user that runs \`mtls up\``,
      { cause },
    )
  }
}

export function serialOf(certificate: string): string {
  const [leaf] = decodePem(Buffer.from(certificate), 'CERTIFICATE')
  if (leaf === undefined) throw new TypeError('no certificate in the PEM')
  return parseCertificate(leaf).serial
}
