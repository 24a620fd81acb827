import type { AuthorityEventKind } from '../packages/authority/engine.ts'
import { Beliefs } from './beliefs.ts'
import type { ServiceText } from './config-file.ts'
import { FileReader } from './file-reader.ts'
import { Invariants } from './invariants.ts'
import { Operator } from './operator.ts'
import { Restores } from './restores.ts'
import { BEGINNING, type Scenario } from './scenario.ts'
import { SimulatedAuthority } from './simulated-authority.ts'
import { SimulatedPeer } from './simulated-peer.ts'
import { World } from './world.ts'

const SECOND = 1000
const HOUR = 60 * 60 * SECOND
const YEAR = 365 * 24 * HOUR

/** After these the files of a service may be others. */
const FOR_FILES: ReadonlySet<AuthorityEventKind> = new Set([
  'certificate-issued',
  'service-added',
  'service-changed',
])

export interface Outcome {
  readonly years: number
  readonly steps: number
  readonly looks: number
  readonly certificates: number
  readonly bundles: number
  readonly rootRollOvers: number
  readonly crashes: number
  readonly checks: number
}

/**
 * Lets one mesh live.
 *
 * @throws Violation at the first step at which something does not hold that must
 */
export async function simulate(scenario: Scenario, trace?: (line: string) => void): Promise<Outcome> {
  const world = new World(scenario.seed, BEGINNING)
  const mesh = new SimulatedMesh(world, scenario, trace)
  await world.run(BEGINNING + scenario.years * YEAR, (next) => mesh.invariants.watch(next))
  return mesh.outcome()
}

/** The authority, its peers, and the troubles that they have. */
class SimulatedMesh {
  readonly invariants: Invariants
  readonly #world: World
  readonly #scenario: Scenario
  readonly #trace: ((line: string) => void) | undefined
  readonly #authority: SimulatedAuthority
  readonly #peers = new Map<string, SimulatedPeer>()
  readonly #readers = new Map<string, FileReader>()
  readonly #beliefs = new Beliefs()
  #certificates = 0
  #bundles = 0
  #crashes = 0
  #isBehind = false

  constructor(world: World, scenario: Scenario, trace?: (line: string) => void) {
    this.#world = world
    this.#scenario = scenario
    this.#trace = trace && ((line) => trace(`${new Date(world.now()).toISOString()} ${line}`))
    this.#authority = new SimulatedAuthority(world, scenario.file.config, {
      up: () => {
        for (const peer of this.#peers.values()) peer.authorityUp()
      },
      down: () => {
        for (const peer of this.#peers.values()) peer.authorityDown()
        this.#lookAtHealth()
      },
      published: (publication) => {
        this.#bundles++
        this.invariants.published(publication)
        for (const peer of this.#peers.values()) peer.published(publication)
      },
      event: (event) => {
        this.#trace?.(`${event.kind} ${event.subject} ${JSON.stringify(event.detail)}`)
        this.invariants.event(event)
        if (event.kind === 'certificate-issued') this.#certificates++
        if (!FOR_FILES.has(event.kind)) return
        this.#peers.get(event.subject)?.filesChanged()
        this.#readers.get(event.subject)?.filesChanged()
      },
      handOver: (handover) => {
        const reader = this.#readers.get(handover.service)!
        reader.told(handover)
        if (handover.address !== undefined) this.invariants.readers.told(reader, handover.serial)
      },
      looked: () => this.invariants.looked(),
    })
    this.invariants = new Invariants(world, this.#authority, this.#peers, this.#readers)
    this.#authority.start()
    this.#lookAtHealth()
    for (const [service, text] of scenario.file.services) this.#engage(service, text)
    const operator = new Operator(scenario.file, {
      ...{ world, authority: this.#authority, most: scenario.members.most },
      peers: this.#peers,
      readers: this.#readers,
      longest: scenario.peers.longest,
      engage: (service, text) => this.#engage(service, text),
      edited: (config) => this.invariants.configured(config),
      trace: (line) => this.#trace?.(line),
    })
    this.#everySoOften('crash', scenario.authority.crash, () => this.#crash())
    this.#everySoOften('disk', scenario.authority.diskFull, () => this.#fillDisk())
    this.#everySoOften('operator', scenario.operator, () => operator.deed())
    const restores = this.#restores()
    this.#everySoOften('copy', scenario.restores.copy, () => restores.copy())
    this.#everySoOften('loss', scenario.restores.loss, () => restores.lose())
    this.#everySoOften('put back', scenario.restores.putBack, () => restores.putBack())
    this.#everySoOften('edit', scenario.members.edit, () => operator.edit())
  }

  outcome(): Outcome {
    const roots = this.#authority.store
      .slots()
      .filter(({ kind, state }) => kind === 'root' && state !== 'prepared')
    return {
      years: this.#scenario.years,
      steps: this.#world.steps,
      looks: this.#authority.looks,
      certificates: this.#certificates,
      bundles: this.#bundles,
      rootRollOvers: roots.length - 1,
      crashes: this.#crashes,
      checks: this.invariants.looks,
    }
  }

  /** Since when the authority has been able to work. */
  #lookAtHealth(): void {
    const { isUp, isDiskFull } = this.#authority
    const works = isUp && !isDiskFull && !this.#isBehind
    if (!works) this.invariants.healthySince = Number.POSITIVE_INFINITY
    else this.invariants.healthySince = Math.min(this.invariants.healthySince, this.#world.now())
  }

  #restores(): Restores {
    return new Restores(this.#world, this.#authority, this.#scenario.authority.longest, {
      fellBehind: (whole) => {
        this.#isBehind = true
        this.#lookAtHealth()
        this.invariants.fellBehind(whole)
      },
      wentOn: (whole) => {
        this.#isBehind = false
        this.#lookAtHealth()
        this.invariants.wentOn(whole)
      },
      trace: (line) => this.#trace?.(line),
    })
  }

  /** Once it reads files, or speaks to the authority, a service of that name always does. */
  #engage(service: string, text: ServiceText): void {
    const known = this.#peers.get(service) ?? this.#readers.get(service)
    if (known === undefined && text.reload !== undefined) this.#addReader(service)
    else if (known === undefined) this.#addPeer(service)
    else {
      known.engage()
      this.#world.after(10 * SECOND, () => known.start())
    }
  }

  #addReader(service: string): void {
    const world = this.#world
    const { trouble, longest } = this.#scenario.peers
    const reader = new FileReader(service, world, this.#authority, {
      changed: () => this.invariants.stirred(),
    })
    this.#readers.set(service, reader)
    world.after(10 * SECOND, () => reader.start())
    this.#everySoOften(`trouble of ${service}`, trouble, () => {
      if (!reader.isRunning || reader.trouble !== undefined) return
      const kind = world.draw.one(['fails', 'hangs'] as const)
      const time = world.draw.scale(SECOND, longest)
      this.#trace?.(`${service}: its reload ${kind} for ${Math.round(time / SECOND)} s`)
      reader.fallIll(kind)
      world.after(time, () => reader.recover())
    })
  }

  #addPeer(service: string): void {
    const { draw } = this.#world
    const { lag, trouble } = this.#scenario.peers
    const skew = this.#scenario.file.config.authority.clockSkew
    const clockOff = draw.chance(0.3) ? Math.round(draw.between(-0.4, 0.4) * skew) : 0
    const traits = { clockOff, lag: draw.scale(lag / 3, lag * 3), worstLag: 10 * lag }
    const peer = new SimulatedPeer(service, traits, {
      ...{ world: this.#world, authority: this.#authority, beliefs: this.#beliefs },
      watch: {
        changed: (changed) => this.invariants.changed(changed),
        refused: ({ name }, error) => this.#trace?.(`${name} refused: ${error.message}`),
      },
    })
    this.#peers.set(service, peer)
    this.#world.after(10 * SECOND, () => peer.start())
    this.#everySoOften(`trouble of ${service}`, trouble, () => this.#trouble(peer))
  }

  #everySoOften(name: string, mean: number, act: () => void | Promise<void>): void {
    if (mean === Number.POSITIVE_INFINITY) return
    const draw = this.#world.draw.fork(name)
    const again = () =>
      this.#world.after(-mean * Math.log(1 - draw.unit()), () => {
        again()
        return act()
      })
    again()
  }

  #trouble(peer: SimulatedPeer): void {
    const world = this.#world
    const { draw } = world
    if (peer.state !== 'running' || peer.isCutOff) return
    const time = draw.scale(SECOND, this.#scenario.peers.longest)
    const kind = draw.one(['nap', 'restart', 'kill', 'cut'] as const)
    this.#trace?.(`${peer.name}: ${kind} for ${Math.round(time / SECOND)} s`)
    if (kind === 'nap') {
      peer.sleep(draw.chance(0.5))
      world.after(time, () => peer.wake())
    } else if (kind === 'cut') peer.cutOff(world.now() + time, draw.chance(0.5))
    else {
      peer.stop(kind === 'restart')
      world.after(time, () => peer.start())
    }
  }

  #crash(): void {
    const world = this.#world
    const { draw } = world
    const authority = this.#authority
    if (!authority.isUp || authority.isDiskFull || authority.isDoomed) return
    this.#crashes++
    const withPower = draw.chance(0.5)
    const down = draw.scale(SECOND, this.#scenario.authority.longest)
    this.#trace?.(`authority: ${withPower ? 'power cut' : 'killed'}, for ${Math.round(down / SECOND)} s`)
    const restart = () => {
      this.#trace?.('authority: restarted')
      authority.machine.restart(withPower)
      authority.start()
      this.#lookAtHealth()
      for (const one of withPower ? this.#onMachine() : []) one.start()
    }
    authority.whenDead = () => {
      for (const one of withPower ? this.#onMachine() : []) one.stop(false)
      world.after(down, restart)
    }
    // In the middle of what it does next; or of nothing.
    authority.machine.cutAfter(draw.whole(0, 600))
    if (draw.chance(0.3)) authority.kill()
    else authority.wakeAt(world.now())
  }

  /** Who goes down when the power is cut. */
  #onMachine(): readonly (SimulatedPeer | FileReader)[] {
    return [...this.#peers.values(), ...this.#readers.values()]
  }

  #fillDisk(): void {
    const world = this.#world
    const { machine } = this.#authority
    if (!this.#authority.isUp || machine.full !== undefined) return
    const time = world.draw.scale(SECOND, this.#scenario.authority.longest)
    machine.full = world.draw.one(['ENOSPC', 'EROFS', 'EIO'] as const)
    this.#trace?.(`disk: ${machine.full} for ${Math.round(time / SECOND)} s`)
    this.#lookAtHealth()
    this.#authority.wakeAt(world.now())
    world.after(time, () => {
      this.#authority.emptyDisk()
      this.#lookAtHealth()
    })
  }
}
