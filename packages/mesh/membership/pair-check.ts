import type { Config } from '@datapunk/protocol'
import { readMeshDocuments } from '../files/mesh-files.ts'
import { readPair } from '../files/pair-file.ts'
import { identityOf } from '../gate/identity.ts'
import { MeshView } from '../gate/view.ts'

export interface PairCheckOptions {
  readonly config: Config
  /** Milliseconds since the epoch. */
  readonly at: number
}

/**
 * Looks at the pair of a service as its own process does when it joins, by the same code: for tools.
 *
 * @throws MeshError what it would refuse to join with: `PAIR_*`, `KEY_*`, `CERTIFICATE_*`; `BUNDLE_*`, `ROOT_UNREADABLE`
 */
export async function checkPair(service: string, { config, at }: PairCheckOptions): Promise<void> {
  const settings = config.services.get(service)
  if (settings === undefined) throw new TypeError(`no service ${service} in ${config.file}`)
  const { clockSkew } = config.authority
  const documents = readMeshDocuments(config, { latest: at + clockSkew })
  const view = new MeshView({ service, ...documents, file: { ...settings, clockSkew } })
  identityOf(await readPair(settings), view, at)
}
