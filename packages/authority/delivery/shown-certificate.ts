import { connect as connectTcp, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { parseCertificate } from '@datapunk/pki'

/** Milliseconds for one look. */
const PATIENCE = 3000

/** A server may need a moment to read its files, and its old workers another to end: it is looked for so long. */
const LOOKS = 20
const BETWEEN_LOOKS = 250

/** A PostgreSQL server speaks TLS once it is asked to: SSLRequest (its protocol, section "SSL Session Encryption"). */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47])

/**
 * Waits a little for a server to show a certificate. Nothing is believed of it, and nothing is sent to it: it is only looked
 * at.
 *
 * @param expected lowercase hex
 * @returns the serial that it shows at last; undefined where no certificate was shown
 */
export async function shownSerial(
  place: { readonly host: string; readonly port: number },
  expected: string,
  isPostgres: boolean,
): Promise<string | undefined> {
  for (let look = 1; ; look++) {
    const serial = await lookOnce(place, isPostgres)
    if (serial === expected || look === LOOKS) return serial
    await new Promise((resolve) => setTimeout(resolve, BETWEEN_LOOKS))
  }
}

function lookOnce(
  { host, port }: { readonly host: string; readonly port: number },
  isPostgres: boolean,
): Promise<string | undefined> {
  return new Promise((resolve) => {
    const tcp = connectTcp({ host, port })
    const end = (serial?: string) => {
      clearTimeout(timer)
      tcp.destroy()
      resolve(serial)
    }
    const timer = setTimeout(() => end(), PATIENCE)
    tcp.on('error', () => end())
    const shake = (socket: Socket) => {
      const tls = connectTls({ socket, rejectUnauthorized: false })
      tls.on('error', () => end())
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
