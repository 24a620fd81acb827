import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { argv } from 'node:process'
import { Authority } from '@datapunk/authority'
import { parseConfig } from '@datapunk/protocol'

// One apply, in a process that a test may kill at any instruction: node apply-once.ts CONFIG
const file = argv[2] ?? ''
const authority = await Authority.open({
  config: parseConfig(readFileSync(file), { file }),
  clock: Date.now,
  randomBytes,
  environment: {},
  pid: process.pid,
  purpose: 'apply',
})
process.stdout.write('applying\n')
const { done, failed } = await authority.apply({ approve: () => true })
await authority.close()
process.stdout.write(
  `${JSON.stringify({ done: done.length, failed: failed.map(({ error }) => error.message) })}\n`,
)
