import { CliError } from '../cli-error.ts'
import { readFile } from '../files.ts'
import { pemBlocks } from './pem-blocks.ts'

const MAX_BYTES = 1024 * 1024

/**
 * The first certificate of a file, DER: the leaf comes first, and what follows it counts for nothing.
 *
 * @param file PEM or DER
 * @param options as `readFile` takes them
 * @throws CliError `FILE_UNREADABLE`, `NOTHING_TO_SHOW`; PkiError `PEM_INVALID`
 */
export function certificateIn(file: string, options: { readonly isForeign?: boolean } = {}): Uint8Array {
  const block = pemBlocks(readFile(file, MAX_BYTES, options)).find(
    ({ label }) => label === 'CERTIFICATE' || label === 'DER',
  )
  if (block?.der !== undefined) return block.der
  throw new CliError('NOTHING_TO_SHOW', `found no certificate in ${file}; allowed: PEM or DER of one`)
}
