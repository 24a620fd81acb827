import { randomBytes } from 'node:crypto'
import { resolve } from 'node:path'
import { type Clock, checkDelay, systemClock } from './clock.ts'
import { Membership } from './membership/membership.ts'
import { Mesh } from './mesh.ts'
import { refuseUnsafeNode } from './node-version.ts'

refuseUnsafeNode(process.versions.node)

export interface JoinOptions {
  /** The config file; else `$MTLS_CONFIG`, else `mtls-config.yaml`. */
  readonly config?: string | undefined
  /** The overlay of the config file to use; else `$MTLS_ENV`. */
  readonly environment?: string | undefined
  /** A folder put before every absolute path of the config file; else `$MTLS_ROOT`. */
  readonly root?: string | undefined
  /** Milliseconds between looks at the files, for where folders can't be watched, from 1 to 2^31 − 1; 10,000 unless given. */
  readonly pollEvery?: number | undefined
  /**
   * A folder of this service's own, where it keeps what it believed last, so that a restart can't be rolled back; else
   * `$MTLS_MEMORY`, else `memory` in the folder of its pair.
   */
  readonly memory?: string | undefined
  readonly clock?: Clock | undefined
  /** Gives that many random bytes. */
  readonly random?: ((size: number) => Buffer) | undefined
}

/**
 * Joins the mesh as a service: takes names, paths and the first root from the config file, believes the mesh's signed
 * documents for everything else, and keeps both up to date until `mesh.leave()`. Nothing it does keeps the process alive.
 *
 * @param service its name in the config file
 * @throws MeshError whatever stands in the way: the config, the mesh's documents, the service's pair; the message names
 *   the command that repairs it
 * @throws TypeError for a `pollEvery` that no timer can hold
 */
export async function join(service: string, options: JoinOptions = {}): Promise<Mesh> {
  const { env } = process
  const clock = options.clock ?? systemClock
  const random = options.random ?? randomBytes
  const membership = await Membership.open({
    service,
    clock,
    random,
    pollEvery: checkDelay('join: pollEvery', options.pollEvery ?? 10_000),
    memory: options.memory ?? (env.MTLS_MEMORY || undefined),
    place: {
      file: resolve(options.config ?? (env.MTLS_CONFIG || 'mtls-config.yaml')),
      environment: options.environment ?? (env.MTLS_ENV || undefined),
      root: options.root ?? (env.MTLS_ROOT || undefined),
    },
  })
  return new Mesh(membership, clock, random)
}
