import { existsSync } from 'node:fs'
import module from 'node:module'
import { dirname, join } from 'node:path'

/**
 * Has Node keep what it has compiled, which halves the start; npm runs the program once after an install, so that the first
 * start finds it too. It lies beside the code that it was made from, and nowhere else: whoever could change it there could
 * change that as well.
 *
 * @param {string} script absolute path
 */
export function keepCompiled(script) {
  for (let folder = dirname(script); folder !== dirname(folder); folder = dirname(folder)) {
    const installed = join(folder, 'node_modules')
    if (existsSync(installed)) {
      module.enableCompileCache(join(installed, '.cache', 'datapunk-mtls'))
      return
    }
  }
}
