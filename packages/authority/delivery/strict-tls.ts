import { isIP } from 'node:net'
import type { ConnectionOptions, DetailedPeerCertificate, PeerCertificate } from 'node:tls'
import { type Certificate, decodePem, parseCertificate, verifyPath } from '@datapunk/pki'
import { Disk } from '../disk/disk.ts'
import type { TlsFiles } from './reload-options.ts'

/** What a server may send above its leaf; more than any mesh has. */
const MAX_SENT = 8

/** A chain of post-quantum certificates is 16 kB. */
const MAX_PEM_BYTES = 256 * 1024

/**
 * TLS to a server of this mesh, with a pair of this mesh. On top of OpenSSL's verdict stands ours, which is stricter:
 * no common names, no leaf without the right usages.
 *
 * @param host a name, or an address, that the server's certificate must bear
 * @throws Error naming a file that can't be read; PkiError for roots that are none
 */
export function strictTls(files: TlsFiles, host: string, clock: () => number): ConnectionOptions {
  const ca = contentOf(files.caCert)
  const roots = decodePem(ca, 'CERTIFICATE').map(parseCertificate)
  return {
    ca: Buffer.from(ca),
    cert: Buffer.from(contentOf(files.cert)),
    key: Buffer.from(contentOf(files.key)),
    minVersion: 'TLSv1.3',
    rejectUnauthorized: true,
    ...(isIP(host) === 0 && { servername: host }),
    checkServerIdentity: (_, shown) => refusalOf(shown, { roots, host, at: clock() }),
  }
}

/** The paths lead through a folder that is the service's own: whatever it put there is not waited for. */
function contentOf(path: string): Uint8Array {
  const bytes = new Disk().readChecked(path, { maxBytes: MAX_PEM_BYTES })
  if (bytes === undefined) throw new Error(`${path} can't be read (ENOENT)`)
  return bytes
}

interface Wanted {
  readonly roots: readonly Certificate[]
  readonly host: string
  readonly at: number
}

function refusalOf(shown: PeerCertificate, { roots, host, at }: Wanted): Error | undefined {
  try {
    const [leaf, ...intermediates] = sentBy(shown).map(parseCertificate)
    if (leaf === undefined) throw new TypeError('the server shows no certificate')
    const name = isIP(host) === 0 ? { dns: host.toLowerCase() } : { ip: host }
    verifyPath({ leaf, intermediates, roots, at, name, usage: 'serverAuth' })
    return undefined
  } catch (error) {
    return error as Error
  }
}

/** Leaf first. */
function sentBy(shown: PeerCertificate): Uint8Array[] {
  const sent: Uint8Array[] = []
  let one = shown as DetailedPeerCertificate | undefined
  while (one?.raw !== undefined && sent.length < MAX_SENT) {
    sent.push(one.raw)
    if (one.issuerCertificate === one) break
    one = one.issuerCertificate
  }
  return sent
}
