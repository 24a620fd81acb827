import { TlogError } from './tlog-error.ts'

/** Of one round. */
export const MAX_OBJECTS = 4096

const MAX_PATH = 255

/**
 * All objects of one round as one object: of each its path and its octets, each after its length (uint16, uint32).
 *
 * @throws RangeError there are too many, or a path is longer than 255 octets
 */
export function encodeRound(objects: ReadonlyMap<string, Uint8Array>): Uint8Array {
  if (objects.size > MAX_OBJECTS)
    throw new RangeError(`a round has at most ${MAX_OBJECTS} objects, not ${objects.size}`)
  const parts: Uint8Array[] = []
  for (const [path, octets] of objects) {
    const name = Buffer.from(path)
    if (name.length > MAX_PATH) throw new RangeError('the path of an object is too long')
    const head = Buffer.alloc(6)
    head.writeUInt16BE(name.length, 0)
    head.writeUInt32BE(octets.length, 2)
    parts.push(head, name, octets)
  }
  return Buffer.concat(parts)
}

/** @throws TlogError `ROUND_INVALID` */
export function decodeRound(octets: Uint8Array): Map<string, Uint8Array> {
  const bytes = Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength)
  const objects = new Map<string, Uint8Array>()
  let at = 0
  while (at < bytes.length) {
    if (bytes.length - at < 6 || objects.size === MAX_OBJECTS) throw invalid()
    const nameEnd = at + 6 + bytes.readUInt16BE(at)
    const end = nameEnd + bytes.readUInt32BE(at + 2)
    if (end > bytes.length) throw invalid()
    objects.set(bytes.toString('utf8', at + 6, nameEnd), bytes.subarray(nameEnd, end))
    at = end
  }
  return objects
}

function invalid(): TlogError {
  return new TlogError('ROUND_INVALID', 'found a staged round that is cut short or altered')
}
