import { spawn } from 'node:child_process'
import { existsSync, realpathSync } from 'node:fs'
import { constants } from 'node:os'
import { dirname, join } from 'node:path'

export const requirement =
  'Node 24.17 and later of 24, or 26.3.1 and later. In the folder of the repository, `npm ci` brings one along, and mtls then finds it by itself'

/**
 * Whether this Node runs TypeScript by itself, and does not take the TLS session of one server for that of another; the
 * same versions as the mesh library allows.
 *
 * @param {string} version as in `process.versions.node`
 * @returns {boolean}
 */
export function isFit(version) {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map((part) => Number.parseInt(part, 10))
  if (major === 24) return minor >= 17
  if (major === 26) return minor > 3 || (minor === 3 && patch > 0)
  return major > 26
}

/**
 * The Node that npm has put beside this program, looked for in every folder from `script` upwards.
 *
 * @param {string} script absolute path
 * @returns {string | undefined}
 */
export function pinnedNode(script) {
  for (let folder = dirname(script); ; folder = dirname(folder)) {
    const node = join(folder, 'node_modules', '.bin', 'node')
    if (existsSync(node) && realpathSync(node) !== realpathSync(process.execPath)) return node
    if (folder === dirname(folder)) return undefined
  }
}

/**
 * Goes on in another Node, with the same terminal, and ends as it ends.
 *
 * @param {string} node
 * @param {string[]} args
 */
export function handOver(node, args) {
  const child = spawn(node, args, { stdio: 'inherit' })
  for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM', 'SIGHUP'])) {
    process.on(signal, () => child.kill(signal))
  }
  child.on('error', (error) => {
    process.stderr.write(
      `mtls: found ${node}, which can't be started (${error.message}); allowed: ${requirement}\n`,
    )
    process.exitCode = 2
  })
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + (constants.signals[signal ?? 'SIGTERM'] ?? 0)
  })
}
