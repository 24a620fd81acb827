import type { CommandSpec } from '../command-spec.ts'

/** What `--help` says of `--json` for the command that is asked about, read only then; nothing where none is. */
export async function jsonHelp(
  args: readonly string[],
  specs: readonly CommandSpec[],
  width: number,
): Promise<string> {
  const asked = args.includes('--help') && specs.find(({ name }) => args.includes(name))
  if (!asked) return ''
  const [{ notationOf }, { forms }] = await Promise.all([import('../documents/notation.ts'), asked.json()])
  const notations = forms.map((form) => {
    const lines = linesOf(notationOf(form), width - INDENT.length)
    return `  ${lines.join(`\n${INDENT}`)}\n`
  })
  return `\nWith --json (\`mtls schema --command ${asked.name}\` says all of it):\n${notations.join('')}`
}

/** Of what does not fit on one line. */
const INDENT = '    '

/** Broken after commas, so that no bracket is alone. */
function linesOf(notation: string, width: number): string[] {
  const lines: string[] = []
  for (const part of notation.split(/(?<=,) /)) {
    const longer = [...lines.slice(-1), part].join(' ')
    if (lines.length > 0 && longer.length <= width) lines[lines.length - 1] = longer
    else lines.push(part)
  }
  return lines
}
