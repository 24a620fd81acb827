import { MeshError } from './error.ts'

/**
 * Refuses the versions of Node in which a resumed session of one server was taken for a session of another (mended in
 * 24.17 and 26.3.1), and those too old to know the groups and keys of this mesh.
 *
 * @param version as in `process.versions.node`
 * @throws MeshError `NODE_REFUSED`
 */
export function refuseUnsafeNode(version: string): void {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map((part) => Number.parseInt(part, 10))
  if (major > 26 || (major === 24 && minor >= 17)) return
  if (major === 26 && (minor > 3 || (minor === 3 && patch > 0))) return
  throw new MeshError(
    'NODE_REFUSED',
    `found Node ${version}; allowed: 24.17 and later of 24, and 26.3.1 and later: the others resume sessions without regard to whose they are, or can't speak this mesh's TLS`,
    { data: { found: version } },
  )
}
