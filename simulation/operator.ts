import type { Config } from '@datapunk/protocol'
import { drawEdit, type Edit } from './config-edits.ts'
import type { ConfigFile } from './config-file.ts'
import type { SimulatedAuthority } from './simulated-authority.ts'
import type { SimulatedPeer } from './simulated-peer.ts'
import type { World } from './world.ts'

const MINUTE = 60_000

const DEEDS = ['rotate', 'root', 'issuing-ca', 'bundle-key', 'compromise', 'stolen leaf'] as const

export interface Operated {
  readonly world: World
  readonly authority: SimulatedAuthority
  readonly peers: ReadonlyMap<string, SimulatedPeer>
  /** No more services than so many. */
  readonly most: number
  /** How long the process of somebody who was taken out may go on. Milliseconds. */
  readonly longest: number
  /** Gives a service that is new a machine to run on. */
  readonly engage: (service: string) => void
  readonly edited: (config: Config) => void
  readonly trace: (line: string) => void
}

/** Whoever runs the mesh: edits its config file, and asks its authority for things. */
export class Operator {
  readonly #operated: Operated
  #file: ConfigFile

  constructor(file: ConfigFile, operated: Operated) {
    this.#file = file
    this.#operated = operated
  }

  /** Something that the authority is asked for. */
  async deed(): Promise<void> {
    const { world, authority, trace } = this.#operated
    const { draw } = world
    const service = draw.one([...this.#file.services.keys()])
    const kind = draw.one(DEEDS)
    trace(`operator: ${kind} ${service}`)
    if (kind === 'compromise')
      return authority.compromise(draw.one(['root', 'issuing-ca', 'bundle-key'] as const))
    if (kind === 'stolen leaf') return authority.compromiseService(service)
    if (kind === 'rotate') return authority.rotate(service)
    return authority.roll(kind)
  }

  /** The config file is written anew. */
  edit(): void {
    const { world, authority, peers, most, edited, trace } = this.#operated
    const made = drawEdit(this.#file, { draw: world.draw, most, former: [...peers.keys()] })
    if (made === undefined) return
    trace(`operator: ${made.what}`)
    this.#file = made.file
    edited(made.file.config)
    authority.configure(made.file.config)
    this.#follow(made)
  }

  #follow({ comes, leaves, moves }: Edit): void {
    const { world, peers, engage, longest } = this.#operated
    const { draw } = world
    for (const service of comes) engage(service)
    for (const service of leaves) {
      const peer = peers.get(service)!
      peer.dismiss()
      world.after(draw.between(0, longest), () => this.#end(peer))
    }
    for (const service of moves) {
      world.after(draw.between(0, 10 * MINUTE), () => {
        peers.get(service)!.stop(true)
        peers.get(service)!.start()
      })
    }
  }

  /** Who was taken out is stopped at last, unless it was put in again. */
  async #end(peer: SimulatedPeer): Promise<void> {
    if (!peer.isDismissed) return
    const { world, authority } = this.#operated
    peer.stop(world.draw.chance(0.5))
    if (world.draw.chance(0.5)) await authority.purge()
  }
}
