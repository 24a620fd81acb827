/**
 * A serial as people paste it: with colons or without, in either case, and with the sign octet that our commands show or
 * without it, as openssl does. The first 16 digits are enough.
 *
 * @returns lowercase hex without that octet; undefined where it is no serial
 */
export function serialIn(text: string): string | undefined {
  const serial = withoutSign(text.replaceAll(':', '').toLowerCase())
  return /^[0-9a-f]{14,40}$/.test(serial) ? serial : undefined
}

/** @param found the serial of a certificate; @param wanted what `serialIn` read */
export function isSerial(found: string, wanted: string): boolean {
  return withoutSign(found).startsWith(wanted)
}

function withoutSign(serial: string): string {
  return serial.replace(/^00/, '')
}
