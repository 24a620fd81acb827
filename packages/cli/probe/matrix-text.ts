import type { Output, Style } from '../text/output.ts'
import { table } from '../text/table.ts'
import { type Cell, countOf, isGood, type ProbeResult, type Verdict } from './result.ts'

const marks: Readonly<Record<Verdict, readonly [mark: string, style: Style]>> = {
  refused: ['✓ refused', 'good'],
  answered: ['✓ answered', 'good'],
  'let-in': ['✗ LET IN', 'bad'],
  unproven: ['? unproven', 'warning'],
  unreachable: ['! unreachable', 'warning'],
  'not-asked': ['- not asked', 'quiet'],
}

/** As wide as the longest mark. */
const LEAST_COLUMN = Math.max(...Object.values(marks).map(([mark]) => mark.length))

/** Cases down, services across, as many beside each other as fit; below it whatever is not as it should be, and who was not asked at all. */
export function matrixText(result: ProbeResult, output: Output, columns: number): string {
  const { services, cases, cells } = result
  const found = new Map(cells.map((cell) => [`${cell.service} ${cell.case}`, cell]))
  const first = Math.max(0, ...cases.map(({ title }) => title.length))
  const blocks = blocksOf(services, columns - first).map((block) => {
    const head = ['', ...block].map((word) => output.styled('quiet', word))
    const rows = cases.map(({ id, title }) => [
      output.styled('strong', title),
      ...block.map((service) => markOf(found.get(`${service} ${id}`), output)),
    ])
    return table([head, ...rows])
  })
  const asked = new Set(cells.flatMap(({ service, verdict }) => (verdict === 'not-asked' ? [] : [service])))
  const told = cells.filter((cell) => !isGood(cell) || !asked.has(cell.service))
  return [...blocks, ...(told.length === 0 ? [] : [toldText(told, result, output)])].join('\n')
}

/** @param room for columns, each of which is two spaces from the one before it */
function blocksOf(services: readonly string[], room: number): string[][] {
  const blocks: string[][] = []
  let left = 0
  for (const service of services) {
    const width = Math.max(service.length, LEAST_COLUMN) + 2
    if (blocks.length === 0 || width > left) {
      blocks.push([])
      left = room
    }
    blocks.at(-1)?.push(service)
    left -= width
  }
  return blocks
}

function markOf(cell: Cell | undefined, output: Output): string {
  if (cell === undefined) return ''
  const [mark, style] = marks[cell.verdict]
  return output.styled(style, mark)
}

/** The same of a service in several cases is told once. */
function toldText(told: readonly Cell[], { cases }: ProbeResult, output: Output): string {
  const titles = new Map(cases.map(({ id, title }) => [id, title]))
  const same = Map.groupBy(told, ({ service, verdict, evidence, fix }) =>
    JSON.stringify([service, verdict, evidence, fix]),
  )
  const rows = [...same.values()].flatMap((cells) => {
    const { service, verdict, evidence, fix } = cells[0] as Cell
    const which =
      cells.length === cases.length ? 'all cases' : cells.map((cell) => titles.get(cell.case)).join(', ')
    const [, style] = marks[verdict]
    const line = [output.styled(style, verdict), `${output.styled('strong', service)}, ${which}: ${evidence}`]
    return fix === undefined ? [line] : [line, ['', `→ ${fix}`]]
  })
  return table(rows)
}

/** One line of it. */
export function summaryText(result: ProbeResult): string {
  const asked = result.cells.length - countOf(result, 'not-asked')
  const good = countOf(result, 'refused') + countOf(result, 'answered')
  const bad = (['let-in', 'unproven', 'unreachable'] as const).flatMap((verdict) => {
    const count = countOf(result, verdict)
    return count === 0 ? [] : [`${count} ${verdict}`]
  })
  return [`${good} of ${asked} as it should be`, ...bad].join(', ')
}
