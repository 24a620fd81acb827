import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WatchedWorld } from '../testing/watched-world.ts'
import { Output } from '../text/output.ts'
import { matrixText, summaryText } from './matrix-text.ts'
import { type Cell, isAsItShouldBe, type ProbeResult, type Verdict } from './result.ts'

const cases = [
  { id: 'expired', title: 'expired' },
  { id: 'revoked', title: 'revoked' },
]

function resultOf(verdicts: Readonly<Record<string, readonly [Verdict, Verdict]>>): ProbeResult {
  const cells = Object.entries(verdicts).flatMap(([service, of]) =>
    of.map((verdict, index): Cell => {
      const isBad = verdict === 'let-in' || verdict === 'unproven'
      const told = { evidence: `${service} did so`, ...(isBad && { fix: `mend ${service}` }) }
      return { service, case: cases[index]!.id, verdict, ...told }
    }),
  )
  return { mode: 'live', services: Object.keys(verdicts), cases, cells, at: 0, took: 1 }
}

const plain = new Output(new WatchedWorld().world)

test('shows cases down and services across, and below what is not as it should be', () => {
  const result = resultOf({
    lake: ['refused', 'let-in'],
    stream: ['unproven', 'unproven'],
    web: ['refused', 'not-asked'],
  })
  assert.equal(
    matrixText(result, plain, 80),
    `         lake       stream      web
expired  ✓ refused  ? unproven  ✓ refused
revoked  ✗ LET IN   ? unproven  - not asked

let-in    lake, revoked: lake did so
          → mend lake
unproven  stream, all cases: stream did so
          → mend stream
`,
  )
  assert.equal(summaryText(result), '2 of 5 as it should be, 1 let-in, 2 unproven')
  assert.ok(!isAsItShouldBe(result))
})

test('tells of whom nothing was asked, which is no fault as long as somebody was asked', () => {
  const result = resultOf({ job: ['not-asked', 'not-asked'], lake: ['refused', 'answered'] })
  assert.match(matrixText(result, plain, 80), /\nnot-asked {2}job, all cases: job did so\n$/)
  assert.equal(summaryText(result), '2 of 2 as it should be')
  assert.ok(isAsItShouldBe(result))
  assert.ok(!isAsItShouldBe(resultOf({ job: ['not-asked', 'not-asked'] })))
})

test('puts what does not fit beside each other below each other', () => {
  const names = Array.from({ length: 9 }, (_, index) => `service-${index}`)
  const result = resultOf(Object.fromEntries(names.map((name) => [name, ['refused', 'refused'] as const])))
  for (const columns of [1, 40, 80, 200]) {
    const text = matrixText(result, plain, columns)
    for (const name of names) assert.equal(text.split(name).length, 2)
    const longest = Math.max(...text.split('\n').map((line) => line.length))
    assert.ok(columns === 1 || longest <= columns, `${longest} of ${columns}`)
  }
})
