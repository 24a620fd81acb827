import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { junitXml } from './junit.ts'
import type { ProbeResult } from './result.ts'

const result: ProbeResult = {
  mode: 'live',
  services: ['lake', 'stream'],
  cases: [
    { id: 'expired', title: 'expired' },
    { id: 'not-allowed', title: 'not in allow' },
  ],
  cells: [
    {
      service: 'lake',
      case: 'expired',
      verdict: 'refused',
      rule: 'CERTIFICATE_EXPIRED',
      evidence: 'reported',
    },
    {
      service: 'lake',
      case: 'not-allowed',
      verdict: 'let-in',
      evidence: 'it said "<hi>" & \u0000\u001b',
      fix: 'do',
    },
    { service: 'stream', case: 'expired', verdict: 'unreachable', evidence: 'nobody', fix: 'start it' },
    { service: 'stream', case: 'not-allowed', verdict: 'not-asked', evidence: 'all may' },
  ],
  at: Date.UTC(2026, 10, 27, 4, 0, 0),
  took: 1234,
}

test('a result as JUnit XML', () => {
  assert.equal(
    junitXml(result),
    `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="mtls probe" tests="4" failures="1" errors="1" skipped="1" time="1.234" timestamp="2026-11-27T04:00:00Z">
  <testsuite name="lake" tests="2" failures="1" errors="0" skipped="0">
    <testcase name="expired" classname="mtls.probe.lake"><system-out>reported</system-out></testcase>
    <testcase name="not in allow" classname="mtls.probe.lake"><failure type="let-in" message="it said &quot;&lt;hi&gt;&quot; &amp; \uFFFD\uFFFD">it said &quot;&lt;hi&gt;&quot; &amp; \uFFFD\uFFFD
→ do</failure></testcase>
  </testsuite>
  <testsuite name="stream" tests="2" failures="0" errors="1" skipped="1">
    <testcase name="expired" classname="mtls.probe.stream"><error type="unreachable" message="nobody">nobody
→ start it</error></testcase>
    <testcase name="not in allow" classname="mtls.probe.stream"><skipped message="all may"/></testcase>
  </testsuite>
</testsuites>
`,
  )
})

test('whatever a service has said, no markup comes of it', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (said) => {
      const [cell] = result.cells
      assert.ok(cell)
      const xml = junitXml({
        ...result,
        cells: [{ ...cell, verdict: 'unproven', evidence: said, fix: said }],
      })
      assert.equal(xml.match(/</g)?.length, 11)
      assert.doesNotMatch(
        xml,
        /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|&(?!amp;|lt;|gt;|quot;|apos;)/u,
      )
    }),
  )
})
