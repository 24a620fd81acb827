import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { MeshFolder } from './mesh-folder.ts'

const readme = join(import.meta.dirname, '../README.md')

/** The shipped config's folder, which the README's examples name. */
const SHIPPED_FOLDER = '/etc/datapunk/certs'

/**
 * A block of the README, marked `<!-- snippet: NAME -->`, as a reader would use it: with the mesh's own folder in it.
 *
 * @throws Error when there is none
 */
export function snippet(name: string, mesh: MeshFolder): string {
  const marked = new RegExp(`<!-- snippet: ${name} -->\\s+\`\`\`\\w*\\n([\\s\\S]*?)\`\`\``)
  const [, text] = marked.exec(readFileSync(readme, 'utf8')) ?? []
  if (text === undefined) throw new Error(`README.md has no snippet ${name}`)
  return text.replaceAll(SHIPPED_FOLDER, join(mesh.folder, 'certs'))
}

/** A piece of code in one of the README's sentences, which has to be there word for word. */
export function quoted(code: string): string {
  if (readFileSync(readme, 'utf8').includes(`\`${code}\``)) return code
  throw new Error(`README.md does not say \`${code}\``)
}
