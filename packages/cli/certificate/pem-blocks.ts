import { decodePem } from '@datapunk/pki'

/** A block of a PEM text, or the whole of a file that is none. */
export interface PemBlock {
  /** As in `CERTIFICATE`; `DER` where the file is no PEM text. */
  readonly label: string
  /** Undefined for whatever is or may be a secret: such blocks are not decoded. */
  readonly der: Uint8Array | undefined
}

/** RFC 7468 7: what keytool, certtool and NSS write. */
const OTHER_LABELS: Readonly<Record<string, string>> = { 'NEW CERTIFICATE REQUEST': 'CERTIFICATE REQUEST' }

const BLOCK = /^-----BEGIN ([^-\r\n]{1,64})-----\r?$[^-]*^-----END \1-----\r?$/gm

/** @throws PkiError `PEM_INVALID` for a block that is not whole */
export function pemBlocks(bytes: Uint8Array): PemBlock[] {
  const text = Buffer.from(bytes).toString('latin1')
  // DER of whatever is shown here is a SEQUENCE.
  if (bytes[0] === 0x30) return [{ label: 'DER', der: bytes }]
  const blocks = [...text.matchAll(BLOCK)].map(([block, label = '']) => ({
    label: OTHER_LABELS[label] ?? label,
    der: isPublic(OTHER_LABELS[label] ?? label) ? decodePem(block, label)[0] : undefined,
  }))
  // A block that was begun and is not whole: the strict reader says on which line.
  const begun = text.match(/^-----BEGIN /gm)?.length ?? 0
  if (begun !== blocks.length) decodePem(text, blocks[0]?.label ?? 'CERTIFICATE')
  return blocks
}

function isPublic(label: string): boolean {
  return label === 'CERTIFICATE' || label === 'CERTIFICATE REQUEST' || label === 'X509 CRL'
}
