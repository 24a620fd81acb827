import { keyAlgorithmOf, PkiError } from '@datapunk/pki'
import { keyIdOf } from '@datapunk/protocol'
import { z } from 'zod'
import { LogError } from '../log-error.ts'
import type { TransparencyLog } from '../transparency-log.ts'

const schema = z.object({ key: z.base64() })

/** What a log says of itself, as log lists of version 3 say it. */
export function aboutLog({ id, spki, origin }: Pick<TransparencyLog, 'id' | 'spki' | 'origin'>) {
  const url = `http://${origin}/`
  return {
    description: origin,
    log_id: Buffer.from(id, 'hex').toString('base64'),
    key: Buffer.from(spki).toString('base64'),
    mmd: 1,
    submission_url: url,
    monitoring_url: url,
  }
}

/**
 * The key of the log that a URL names: its last part is the first half of the key's hash, so that no other key fits.
 *
 * @param description what lies at `log.v3.json` there
 * @returns DER SubjectPublicKeyInfo
 * @throws LogError `LOG_WRONG`
 */
export function keyOfLog(url: string, description: unknown): Uint8Array {
  const { data } = schema.safeParse(description)
  const spki = Buffer.from(data?.key ?? '', 'base64')
  const pinned = url.slice(url.lastIndexOf('/') + 1)
  if (/^[0-9a-f]{32}$/.test(pinned) && keyIdOf(spki).startsWith(pinned) && isLogKey(spki)) return spki
  throw new LogError(
    'LOG_WRONG',
    `found at ${url} a log with another key than the one that its URL names; allowed: that one. Compare authority.log with what \`mtls log serve\` says when it starts`,
  )
}

function isLogKey(spki: Uint8Array): boolean {
  try {
    return keyAlgorithmOf(spki).algorithm === 'ecdsa-p256'
  } catch (error) {
    if (error instanceof PkiError) return false
    throw error
  }
}
