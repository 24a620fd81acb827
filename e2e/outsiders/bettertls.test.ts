import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { isIP } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { type Certificate, PkiError, parseCertificate, verifyPath } from '@datapunk/pki'
import { needs, program } from '../outsider.ts'

const bettertls = process.env.BETTERTLS ?? 'bettertls'

/** What `bettertls export-tests` writes, as far as it is used. Certificates are base64 of DER, the leaf first. */
interface Export {
  readonly trustRoot: string
  readonly suites: Readonly<Record<string, { readonly testCases: readonly Case[] }>>
}

interface Case {
  readonly id: string
  readonly certificates: readonly string[]
  readonly hostname: string
  readonly expected: Verdict
}

type Verdict = 'ACCEPT' | 'REJECT'

/** How many cases there are at least: an export of nothing would agree with everything. */
const suites = { pathbuilding: 80, nameconstraints: 9_000 } as const

test('every path and every name is judged as BetterTLS expects', needs(bettertls), async (t) => {
  const { trustRoot, suites: exported } = exportCases()
  const root = parseCertificate(Buffer.from(trustRoot, 'base64'))
  for (const [suite, least] of Object.entries(suites)) {
    await t.test(suite, () => {
      const cases = exported[suite]?.testCases ?? []
      assert.ok(cases.length >= least, `found ${cases.length} cases of ${suite}`)
      const others = cases.filter((one) => verdictOn(one, root) !== one.expected)
      assert.deepEqual(
        others.map(({ id }) => `bettertls get-test -suite ${suite} -testId ${id}`),
        [],
      )
    })
  }
})

/** They are made anew each time, with keys and dates of now. */
function exportCases(): Export {
  const folder = mkdtempSync(join(tmpdir(), 'bettertls-'))
  try {
    const file = join(folder, 'cases.json')
    execFileSync(program(bettertls), ['export-tests', '--out', file], { stdio: 'pipe' })
    return JSON.parse(readFileSync(file, 'utf8'))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Some leaves can't be read: names of no form that there is, addresses of five octets. */
function verdictOn({ certificates, hostname }: Case, root: Certificate): Verdict {
  try {
    const [leaf, ...intermediates] = certificates.map((text) => parseCertificate(Buffer.from(text, 'base64')))
    const name = isIP(hostname) ? { ip: hostname } : { dns: hostname }
    verifyPath({ leaf: leaf!, intermediates, roots: [root], at: Date.now(), usage: 'serverAuth', name })
    return 'ACCEPT'
  } catch (error) {
    if (!(error instanceof PkiError)) throw error
    return 'REJECT'
  }
}
