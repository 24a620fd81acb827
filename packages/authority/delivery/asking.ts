import { PkiError } from '@datapunk/pki'
import type { AuthorityError } from '../error.ts'
import { before, endingOf } from './ending.ts'
import { reloadFailed, secondsText, settingOf } from './reload-failure.ts'
import type { ReloadOptions } from './reload-options.ts'
import { type ShownError, secretsOf, shownError } from './url-secrets.ts'

const DEFAULT_TIMEOUT = 10_000

/** What a server is asked for, and what is known of its refusals. */
export interface Question {
  readonly url: string
  /** Who is asked: `PostgreSQL at HOST:PORT`, without user and password. */
  readonly server: string
  /** What mends a refusal of the server's own, if that is known. */
  readonly remedy: (error: ShownError) => string | undefined
}

/**
 * Asks a server over the network, and not longer than the options say.
 *
 * @param ask leaves nothing open when it settles, and settles soon after `ending` is aborted
 */
export async function asking(
  question: Question,
  options: ReloadOptions,
  ask: (ending: AbortSignal) => Promise<void>,
): Promise<void> {
  const { service, signal, timeout = DEFAULT_TIMEOUT } = options
  const ending = endingOf(timeout, signal)
  try {
    await before(ending, ask(ending))
  } catch (error) {
    signal?.throwIfAborted()
    if (ending.aborted) throw silent(question, service, timeout)
    throw refused(question, service, error)
  }
}

function silent({ server }: Question, service: string, timeout: number): AuthorityError {
  return reloadFailed(service, {
    found: `${server} did not answer within ${secondsText(timeout)}`,
    fix: `Restart it, or correct host and port in ${settingOf(service)}`,
    data: { server, timeout },
  })
}

function refused({ url, server, remedy }: Question, service: string, error: unknown): AuthorityError {
  const cause = shownError(error, secretsOf(url))
  const setting = settingOf(service)
  const known = error instanceof PkiError ? notOfTheMesh : remedies[cause.code ?? '']
  return reloadFailed(service, {
    found: `${server}: ${cause.message}`,
    fix: (known ?? remedy(cause) ?? 'Mend that, or correct SETTING').replaceAll('SETTING', setting),
    cause,
    data: { server, code: cause.code },
  })
}

const notOfTheMesh =
  'The certificate it shows is not one that this mesh accepts for that name now: restart it, so that it reads its files, or correct the host in SETTING'
const noTls = 'It speaks no TLS there: correct scheme and port in SETTING'
const notFound = 'Correct the host in SETTING, or let it be found (DNS, /etc/hosts)'
const noWay = 'Correct the host in SETTING, or mend the network'

/** By code; https://nodejs.org/api/errors.html and https://nodejs.org/api/tls.html#x509-certificate-error-codes */
const remedies: Readonly<Record<string, string>> = {
  CERT_CHAIN_TOO_LONG: notOfTheMesh,
  CERT_HAS_EXPIRED: notOfTheMesh,
  CERT_NOT_YET_VALID: notOfTheMesh,
  CERT_REJECTED: notOfTheMesh,
  CERT_SIGNATURE_FAILURE: notOfTheMesh,
  CERT_UNTRUSTED: notOfTheMesh,
  DEPTH_ZERO_SELF_SIGNED_CERT: notOfTheMesh,
  EACCES: 'Run mtls as a user who may open it',
  EAI_AGAIN: notFound,
  ECONNREFUSED: 'Start it, or correct host and port in SETTING',
  EHOSTUNREACH: noWay,
  ENETUNREACH: noWay,
  ENOENT: 'Start it, or correct the socket in SETTING',
  ENOTFOUND: notFound,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: noTls,
  ERR_SSL_WRONG_VERSION_NUMBER: noTls,
  INVALID_CA: notOfTheMesh,
  INVALID_PURPOSE: notOfTheMesh,
  PATH_LENGTH_EXCEEDED: notOfTheMesh,
  SELF_SIGNED_CERT_IN_CHAIN: notOfTheMesh,
  UNABLE_TO_GET_ISSUER_CERT: notOfTheMesh,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: notOfTheMesh,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: notOfTheMesh,
  // Node's word for OpenSSL's other verdicts on a certificate: name constraints, for one.
  UNSPECIFIED: notOfTheMesh,
}
