import { realpath, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { MeshError } from '../error.ts'
import { withRegularFile } from './regular-file.ts'

/** Certificate and key as they lay on disk at one moment, not yet looked into. */
export interface PairText {
  /** The certificate file, links resolved: says which version of the pair it is. */
  readonly certFile: string
  readonly keyFile: string
  readonly cert: Buffer
  readonly key: Buffer
}

export interface PairPlace {
  readonly service: string
  readonly cert: string
  readonly key: string
  /** The widest mode that the key may have, as in 0o600. */
  readonly mode: number
}

/** A chain of post-quantum certificates is 16 kB; a file larger than this is something else. */
const MAX_BYTES = 256 * 1024

/** How often a read may be overtaken before it gives up; swaps come seconds apart at the closest. */
const READ_ATTEMPTS = 8

/**
 * Reads a pair. The link to the folder of the version in use is resolved once and both files are read from there: through
 * two links, 16 % of reads during a swap got the certificate of one version and the key of the other.
 *
 * @throws MeshError `PAIR_MISSING`, `KEY_EXPOSED`, `CERTIFICATE_UNREADABLE`, `KEY_UNREADABLE`
 */
export async function readPair(place: PairPlace): Promise<PairText> {
  for (let attempt = 1; ; attempt++) {
    const certFile = await resolved(place)
    try {
      return await readVersion(place, certFile)
    } catch (error) {
      // Two swaps overtook the read, and removed what it was reading: the link leads elsewhere by now.
      if (attempt === READ_ATTEMPTS || (await resolved(place)) === certFile) throw error
    }
  }
}

function resolved(place: PairPlace): Promise<string> {
  return realpath(place.cert).catch((cause) => {
    throw unreadable(place, place.cert, cause)
  })
}

async function readVersion(place: PairPlace, certFile: string): Promise<PairText> {
  const keyFile = basename(certFile) === 'cert.pem' ? join(dirname(certFile), 'key.pem') : place.key
  await refuseOpenFolder(place, keyFile)
  const [cert, key] = await Promise.all([
    readBounded(place, certFile, 'CERTIFICATE_UNREADABLE'),
    readBounded(place, keyFile, 'KEY_UNREADABLE', place.mode),
  ])
  return { certFile, keyFile, cert, key }
}

async function refuseOpenFolder(place: PairPlace, keyFile: string): Promise<void> {
  if (process.platform === 'win32') return
  const folder = await stat(dirname(keyFile)).catch((cause) => {
    throw unreadable(place, keyFile, cause)
  })
  if ((folder.mode & 0o022) !== 0 && (folder.mode & 0o1000) === 0) {
    throw exposed(dirname(keyFile), folder.mode, 0o700)
  }
}

/** @param widest the mode that the very file that is read may have; undefined: any */
async function readBounded(
  place: PairPlace,
  file: string,
  code: 'CERTIFICATE_UNREADABLE' | 'KEY_UNREADABLE',
  widest?: number,
): Promise<Buffer> {
  const wrong = (found: string, cause?: unknown) =>
    new MeshError(
      code,
      `found ${found} at ${file}; allowed: PEM of 1 to ${MAX_BYTES} bytes; \`mtls apply\` writes the pair anew`,
      { cause, data: { file } },
    )
  const bytes = await withRegularFile(file, MAX_BYTES, ({ stats, read }) => {
    if (widest !== undefined && process.platform !== 'win32') refuseExposed(file, Number(stats.mode), widest)
    return read()
  }).catch((cause: NodeJS.ErrnoException) => {
    if (cause instanceof MeshError) throw cause
    throw cause.code === undefined ? wrong(cause.message, cause) : unreadable(place, file, cause)
  })
  if (bytes.byteLength === 0) throw wrong('an empty file')
  return bytes
}

function refuseExposed(file: string, mode: number, widest: number): void {
  if ((mode & 0o777 & ~widest) !== 0) throw exposed(file, mode, widest)
}

function unreadable({ service }: PairPlace, file: string, cause: unknown): MeshError {
  const reason = (cause as NodeJS.ErrnoException).code ?? String(cause)
  const fix =
    reason === 'EACCES'
      ? `let this user read it: it belongs to services.${service}.owner`
      : 'run `mtls apply`, which writes it'
  return new MeshError(
    'PAIR_MISSING',
    `found no readable ${file} (${reason}); allowed: the pair of ${service}: ${fix}`,
    {
      cause,
      data: { file, service },
    },
  )
}

function exposed(path: string, found: number, allowed: number): MeshError {
  const mode = (bits: number) => (bits & 0o777).toString(8).padStart(4, '0')
  return new MeshError(
    'KEY_EXPOSED',
    `found ${path} with mode ${mode(found)}; allowed: at most ${mode(allowed)}: chmod ${mode(found & allowed)} ${path}`,
    { data: { path, found: mode(found), allowed: mode(allowed) } },
  )
}
