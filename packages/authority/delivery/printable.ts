import { stripVTControlCharacters } from 'node:util'

/** Foreign text that can't move a terminal's cursor, colour it or forge lines of a log. Line ends stay. */
export function printable(text: string): string {
  return stripVTControlCharacters(text)
    .split('\n')
    .map((line) => line.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]+/gu, ' ').trimEnd())
    .filter((line) => line !== '')
    .join('\n')
}

/** The same in one line. */
export function printableLine(text: string): string {
  return printable(text).replaceAll('\n', ' ')
}
