#!/usr/bin/env -S node --max-semi-space-size=8
// Plain JavaScript, so that even an old Node can read it and say what is wrong, or hand over to the pinned one.
// The flag keeps V8 from giving garbage a third of the memory that an authority with a thousand peers needs.
import { realpathSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { keepCompiled } from './compile-cache.js'
import { handOver, isFit, pinnedNode, requirement } from './node-version.js'

const script = realpathSync(fileURLToPath(import.meta.url))

if (isFit(process.versions.node)) {
  keepCompiled(script)
  await import('#main')
} else {
  const node = pinnedNode(script)
  if (node === undefined) {
    process.stderr.write(`mtls: found Node ${process.versions.node}; allowed: ${requirement}\n`)
    process.exitCode = 2
  } else {
    handOver(node, ['--max-semi-space-size=8', script, ...process.argv.slice(2)])
  }
}
