import type { IncomingMessage } from 'node:http'
import {
  type BrotliCompress,
  brotliCompressSync,
  constants,
  createBrotliCompress,
  createGzip,
  type Gzip,
  gzipSync,
} from 'node:zlib'

/** How what is sent is made less (RFC 9110 8.4.1); browsers take `br` over TLS, and from this machine. */
export type Coding = 'br' | 'gzip' | 'identity'

/** Ten milliseconds for the whole page; the best makes it a tenth less, and takes forty times as long. */
const QUALITY = { [constants.BROTLI_PARAM_QUALITY]: 5 }

export function codingFor({ headers }: IncomingMessage): Coding {
  const accepted = String(headers['accept-encoding'] ?? '')
  return /\bbr\b/.test(accepted) ? 'br' : /\bgzip\b/.test(accepted) ? 'gzip' : 'identity'
}

export function codingHeaders(coding: Coding): { 'content-encoding'?: Coding } {
  return coding === 'identity' ? {} : { 'content-encoding': coding }
}

export function encoded(content: Uint8Array, coding: Coding): Uint8Array {
  if (coding === 'identity') return content
  return coding === 'br' ? brotliCompressSync(content, { params: QUALITY }) : gzipSync(content, { level: 9 })
}

/** What is written to it goes on at once, encoded; undefined where it goes as it is. */
export function encoder(coding: Coding): BrotliCompress | Gzip | undefined {
  if (coding === 'identity') return undefined
  return coding === 'br'
    ? createBrotliCompress({ flush: constants.BROTLI_OPERATION_FLUSH, params: QUALITY })
    : createGzip({ flush: constants.Z_SYNC_FLUSH })
}
