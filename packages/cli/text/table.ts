import { stripVTControlCharacters } from 'node:util'

/** Between two columns. */
const GAP = '  '

/** Before what a row goes on with on its next line. */
const INDENT = '    '

/** The last column has words, which are broken into lines; narrower than this they are not read. */
const NARROW = 24

/**
 * Rows with their columns aligned, two spaces apart; the last column is as long as it is.
 *
 * @param room columns of the terminal. Where that is too little, every row is broken before the same columns, and the last
 *   column between words
 */
export function table(rows: readonly (readonly string[])[], room = Number.POSITIVE_INFINITY): string {
  const widths = widthsOf(rows)
  const breaks = breaksOf(widths, room)
  return rows.map((row) => `${rowText(row, widths, { breaks, room })}\n`).join('')
}

function widthsOf(rows: readonly (readonly string[])[]): readonly number[] {
  const widths: number[] = []
  for (const row of rows)
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, widthOf(cell))
  return widths
}

/** The columns that begin a line of their own. */
function breaksOf(widths: readonly number[], room: number): ReadonlySet<number> {
  const breaks = new Set<number>()
  let used = 0
  for (const [column, width] of widths.entries()) {
    const needed = column === widths.length - 1 ? Math.min(width, NARROW) : width
    if (column > 0 && used + needed > room) {
      breaks.add(column)
      used = INDENT.length
    }
    used += width + GAP.length
  }
  return breaks
}

interface Fitting {
  readonly breaks: ReadonlySet<number>
  readonly room: number
}

function rowText(row: readonly string[], widths: readonly number[], { breaks, room }: Fitting): string {
  const lines: string[] = []
  let line = ''
  for (const [column, cell] of row.entries()) {
    if (breaks.has(column)) {
      lines.push(line)
      line = INDENT
    }
    const isLast = column === widths.length - 1
    const text = isLast ? wrapped(cell, widthOf(line), room) : padded(cell, widths[column] ?? 0)
    line += isLast ? text : text + GAP
  }
  lines.push(line)
  return lines
    .map((one) => one.trimEnd())
    .filter((one) => one !== '')
    .join('\n')
}

/** Goes on under where it begins. */
function wrapped(text: string, indent: number, room: number): string {
  if (indent + widthOf(text) <= room) return text
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const longer = [...lines.slice(-1), word].join(' ')
    if (lines.length > 0 && indent + widthOf(longer) <= room) lines[lines.length - 1] = longer
    else lines.push(word)
  }
  return lines.join(`\n${' '.repeat(indent)}`)
}

function padded(cell: string, width: number): string {
  return cell + ' '.repeat(Math.max(0, width - widthOf(cell)))
}

function widthOf(cell: string): number {
  return stripVTControlCharacters(cell).length
}
