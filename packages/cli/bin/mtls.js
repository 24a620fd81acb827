#!/usr/bin/env node
// Plain JavaScript, so that even an old Node can read it and say what is wrong, or hand over to the pinned one.
import { realpathSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { handOver, isFit, pinnedNode, requirement } from './node-version.js'

const script = realpathSync(fileURLToPath(import.meta.url))

if (isFit(process.versions.node)) {
  await import('../main.ts')
} else {
  const node = pinnedNode(script)
  if (node === undefined) {
    process.stderr.write(`mtls: found Node ${process.versions.node}; allowed: ${requirement}\n`)
    process.exitCode = 2
  } else {
    handOver(node, [script, ...process.argv.slice(2)])
  }
}
