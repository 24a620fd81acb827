import { connect as connectTcp, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import { parseCertificate } from '@datapunk/pki'

/** A server may need a moment to read its files, and its old workers another to end: it is looked at for so long, milliseconds. */
const PATIENCE = 10_000
const BETWEEN_LOOKS = 250

/** A PostgreSQL server speaks TLS once it is asked to: SSLRequest (its protocol, section "SSL Session Encryption"). */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47])

/**
 * Waits a little for a server to show a certificate. Nothing is believed of it, and nothing is sent to it: it is only looked
 * at.
 *
 * @param expected lowercase hex
 * @returns the serial that it shows at last; undefined where no certificate was shown
 * @throws the reason of `signal`, when that ends it
 */
export async function shownSerial(
  place: Place,
  expected: string,
  { isPostgres, signal, patience = PATIENCE }: LookOptions,
): Promise<string | undefined> {
  const late = AbortSignal.timeout(patience)
  const ending = signal === undefined ? late : AbortSignal.any([late, signal])
  let shown: string | undefined
  while (!ending.aborted) {
    const found = await lookOnce(place, isPostgres, ending)
    if (found === expected) return found
    // Who did not answer in time has not shown another one.
    if (!ending.aborted) shown = found
    await pause(BETWEEN_LOOKS, undefined, { signal: ending }).catch(() => {})
  }
  signal?.throwIfAborted()
  return shown
}

interface Place {
  readonly host: string
  readonly port: number
}

interface LookOptions {
  readonly isPostgres: boolean
  readonly signal?: AbortSignal | undefined
  /** For all looks together, milliseconds. */
  readonly patience?: number
}

function lookOnce(
  { host, port }: Place,
  isPostgres: boolean,
  ending: AbortSignal,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const tcp = connectTcp({ host, port })
    const end = (serial?: string) => {
      ending.removeEventListener('abort', giveUp)
      tcp.destroy()
      resolve(serial)
    }
    const giveUp = () => end()
    ending.addEventListener('abort', giveUp)
    tcp.on('error', giveUp)
    const shake = (socket: Socket) => {
      const tls = connectTls({ socket, rejectUnauthorized: false })
      tls.on('error', giveUp)
      tls.on('secureConnect', () => end(serialIn(tls.getPeerCertificate().raw)))
    }
    tcp.once('connect', () => {
      if (!isPostgres) return shake(tcp)
      tcp.write(SSL_REQUEST)
      tcp.once('data', (answer) => (answer[0] === 0x53 ? shake(tcp) : end()))
    })
  })
}

function serialIn(der: Uint8Array | undefined): string | undefined {
  try {
    return der && parseCertificate(der).serial
  } catch {
    return undefined
  }
}
