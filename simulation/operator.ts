import type { Config } from '@datapunk/protocol'
import { drawEdit, type Edit } from './config-edits.ts'
import type { ConfigFile, ServiceText } from './config-file.ts'
import type { FileReader } from './file-reader.ts'
import type { SimulatedAuthority } from './simulated-authority.ts'
import type { SimulatedPeer } from './simulated-peer.ts'
import type { World } from './world.ts'

const MINUTE = 60_000

const DEEDS = ['rotate', 'root', 'issuing-ca', 'bundle-key', 'compromise', 'stolen leaf'] as const

export interface Operated {
  readonly world: World
  readonly authority: SimulatedAuthority
  readonly peers: ReadonlyMap<string, SimulatedPeer>
  readonly readers: ReadonlyMap<string, FileReader>
  /** No more services than so many. */
  readonly most: number
  /** How long the process of somebody who was taken out may go on. Milliseconds. */
  readonly longest: number
  /** Gives a service that is new a machine to run on. */
  readonly engage: (service: string, text: ServiceText) => void
  readonly edited: (config: Config) => void
  readonly trace: (line: string) => void
}

/** Whoever runs the mesh: edits its config file, and asks its authority for things. */
export class Operator {
  readonly #operated: Operated
  #file: ConfigFile
  readonly #former = new Map<string, ServiceText>()

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
      return authority.compromise(draw.one(['root', 'issuing-ca', 'bundle-key', 'log'] as const))
    if (kind === 'stolen leaf') return authority.compromiseService(service)
    if (kind === 'rotate') return authority.rotate(service)
    return authority.roll(kind)
  }

  /** The config file is written anew. */
  edit(): void {
    const { world, authority, most, edited, trace } = this.#operated
    const former = this.#former
    const made = drawEdit(this.#file, { draw: world.draw, most, former })
    if (made === undefined) return
    trace(`operator: ${made.what}`)
    for (const service of made.leaves) this.#former.set(service, toldBy(this.#file.services.get(service)!))
    this.#file = made.file
    edited(made.file.config)
    authority.configure(made.file.config)
    this.#follow(made)
  }

  #follow({ comes, leaves, moves }: Edit): void {
    const { world, engage, longest } = this.#operated
    const { draw } = world
    for (const service of comes) engage(service, this.#file.services.get(service)!)
    for (const service of leaves) {
      for (const process of this.#processesOf(service)) {
        process.isDismissed = true
        world.after(draw.between(0, longest), () => this.#end(process))
      }
    }
    for (const service of moves) {
      world.after(draw.between(0, 10 * MINUTE), () => {
        for (const process of this.#processesOf(service)) {
          process.stop(true)
          process.start()
        }
      })
    }
  }

  #processesOf(service: string): (SimulatedPeer | FileReader)[] {
    const { peers, readers } = this.#operated
    return [...peers.values(), ...readers.values()].filter((process) => process.service === service)
  }

  /** Who was taken out is stopped at last, unless it was put in again. */
  async #end(process: SimulatedPeer | FileReader): Promise<void> {
    if (!process.isDismissed) return
    const { world, authority } = this.#operated
    process.stop(world.draw.chance(0.5))
    if (world.draw.chance(0.5)) await authority.purge()
  }
}

function toldBy({ delivery, reload, address }: ServiceText): ServiceText {
  return { ...(delivery && { delivery }), ...(reload && { reload }), ...(address && { address }) }
}
