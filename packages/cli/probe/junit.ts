import { type Cell, countOf, type ProbeResult } from './result.ts'

/**
 * The result as continuous integration reads it: a suite for each service, a test for each case. What was let in or is unproven
 * is a failure, what could not be reached an error, and what was not asked is skipped.
 */
export function junitXml(result: ProbeResult): string {
  const { services, at, took } = result
  const suites = services.map((service) => suiteOf(service, result))
  const total = attributes({ name: 'mtls probe', ...countsOf(result), time: (took / 1000).toFixed(3) })
  const timestamp = new Date(at).toISOString().replace(/\.\d+Z$/, 'Z')
  return `<?xml version="1.0" encoding="UTF-8"?>\n<testsuites${total}${attributes({ timestamp })}>\n${suites.join('')}</testsuites>\n`
}

function suiteOf(service: string, { cells, cases }: ProbeResult): string {
  const own = cells.filter((cell) => cell.service === service)
  const titles = new Map(cases.map(({ id, title }) => [id, title]))
  const tests = own.map((cell) => {
    const test = attributes({ name: titles.get(cell.case) ?? cell.case, classname: `mtls.probe.${service}` })
    return `    <testcase${test}>${outcomeOf(cell)}</testcase>\n`
  })
  return `  <testsuite${attributes({ name: service, ...countsOf({ cells: own }) })}>\n${tests.join('')}  </testsuite>\n`
}

function countsOf(of: Pick<ProbeResult, 'cells'>): Readonly<Record<string, number>> {
  return {
    tests: of.cells.length,
    failures: countOf(of, 'let-in') + countOf(of, 'unproven'),
    errors: countOf(of, 'unreachable'),
    skipped: countOf(of, 'not-asked'),
  }
}

function outcomeOf({ verdict, evidence, fix }: Cell): string {
  const told = text(fix === undefined ? evidence : `${evidence}\n→ ${fix}`)
  switch (verdict) {
    case 'refused':
    case 'answered':
      return `<system-out>${told}</system-out>`
    case 'not-asked':
      return `<skipped${attributes({ message: evidence })}/>`
    case 'unreachable':
      return `<error${attributes({ type: verdict, message: evidence })}>${told}</error>`
    default:
      return `<failure${attributes({ type: verdict, message: evidence })}>${told}</failure>`
  }
}

function attributes(values: Readonly<Record<string, string | number>>): string {
  return Object.entries(values)
    .map(([name, value]) => ` ${name}="${text(String(value))}"`)
    .join('')
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
}

/** XML 1.0 section 2.2 has no way to write most control characters, nor half a pair of surrogates. */
function text(value: string): string {
  return value
    .toWellFormed()
    .replace(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '\uFFFD')
    .replace(/[&<>"']/g, (character) => entities[character] as string)
}
