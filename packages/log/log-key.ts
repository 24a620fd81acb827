import { createPrivateKey } from 'node:crypto'
import { closeSync, fsyncSync, openSync, type Stats, writeSync } from 'node:fs'
import { generateKeyPair, localSigner, type Signer } from '@datapunk/pki'
import { LogError } from './log-error.ts'
import { readRegularFile } from './regular-file.ts'

/** An EC key in PEM is 241 octets. */
const MAX_BYTES = 4096

/** Makes the key of a new log: ECDSA on P-256, as RFC 6962 2.1.4 wants it. 0600; a file that is there is never replaced. */
export async function makeLogKey(file: string): Promise<void> {
  const { privateKey } = await generateKeyPair('ecdsa-p256')
  const handle = openSync(file, 'wx', 0o600)
  try {
    writeSync(handle, privateKey.export({ type: 'pkcs8', format: 'pem' }) as string)
    fsyncSync(handle)
  } finally {
    closeSync(handle)
  }
}

/** @throws LogError `PERMISSIONS` where others may read it, `LOG_INVALID` where it is no such key, `LOG_WRONG` where it is no file */
export async function openLogKey(file: string): Promise<Signer> {
  const pem = await readRegularFile(file, { maxBytes: MAX_BYTES, check: (stats) => checkMode(file, stats) })
  try {
    const signer = localSigner(createPrivateKey({ key: pem, format: 'pem' }))
    if (signer.algorithm !== 'ecdsa-p256') throw otherKey(file)
    return signer
  } catch (cause) {
    // What OpenSSL says names no octet of the key.
    throw cause instanceof LogError ? cause : otherKey(file, cause)
  } finally {
    pem.fill(0)
  }
}

function checkMode(file: string, stats: Stats): void {
  const mode = stats.mode & 0o777
  if ((mode & 0o077) !== 0) throw looseKey(file, mode)
}

function looseKey(file: string, mode: number): LogError {
  return new LogError(
    'PERMISSIONS',
    `found the log's key ${file} with mode ${mode.toString(8).padStart(4, '0')}; allowed: 0600. Run \`chmod 600 ${file}\`, and \`mtls compromise --log\` if somebody may have read it`,
    { data: { path: file } },
  )
}

function otherKey(file: string, cause?: unknown): LogError {
  return new LogError('LOG_INVALID', `found in ${file} no ECDSA key on P-256, which a log signs with`, {
    cause,
    data: { path: file },
  })
}
