import type { AuthorityEventKind } from '../packages/authority/events/event.ts'
import { Beliefs } from './beliefs.ts'
import type { ServiceText } from './config-file.ts'
import { CsrHolder } from './csr-holder.ts'
import { FileReader } from './file-reader.ts'
import { Invariants } from './invariants.ts'
import { KeyPool } from './key-pool.ts'
import { LogFaults } from './log-faults.ts'
import { Operator } from './operator.ts'
import { Restores } from './restores.ts'
import { BEGINNING, type Scenario } from './scenario.ts'
import { SimulatedAuthority } from './simulated-authority.ts'
import { SimulatedPeer } from './simulated-peer.ts'
import { World } from './world.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
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
  readonly #holders = new Map<string, CsrHolder>()
  readonly #csrKeys = new KeyPool('csr', Number.POSITIVE_INFINITY)
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
      looked: () => {
        this.invariants.looked()
        this.#askForCsrs()
      },
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
    const faults = this.#logFaults()
    this.#everySoOften('log down', scenario.log.down, () => faults.goDown())
    this.#everySoOften('log put back', scenario.log.putBack, () => faults.putBack())
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
    const { isUp, isDiskFull, logs } = this.#authority
    const works = isUp && !isDiskFull && !this.#isBehind && !logs.isDown
    if (!works) this.invariants.healthySince = Number.POSITIVE_INFINITY
    else this.invariants.healthySince = Math.min(this.invariants.healthySince, this.#world.now())
  }

  #logFaults(): LogFaults {
    return new LogFaults(this.#world, this.#authority, this.#scenario.authority.longest, {
      reachable: () => this.#lookAtHealth(),
      tampered: (isSo) => {
        this.invariants.logs.isTampered = isSo
      },
      witnessed: (isAlarmed) => this.invariants.logs.witnessed(isAlarmed),
      trace: (line) => this.#trace?.(line),
    })
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
        // What was issued since is on no record: keys that live elsewhere ask anew.
        for (const holder of this.#holders.values()) holder.askWithin(10 * MINUTE)
      },
      trace: (line) => this.#trace?.(line),
    })
  }

  /** Once it reads files, or speaks to the authority, a service of that name always does. */
  #engage(service: string, text: ServiceText): void {
    const known = this.#onMachine().filter((one) => one.service === service)
    for (const one of known) {
      one.engage()
      this.#world.after(10 * SECOND, () => one.start())
    }
    if (known.length > 0) return
    if (text.reload !== undefined) this.#addReader(service)
    else this.#addPeer(service, service)
    if (this.#scenario.elsewhere.includes(service)) this.#addCsrPeer(service)
  }

  /** Whoever runs the mesh sees for whom a roll-over waits, and has them ask again. */
  #askForCsrs(): void {
    const waits = this.#authority.report?.waits ?? []
    if (waits.every(({ stage }) => stage !== 're-issue')) return
    for (const [id, holder] of this.#holders) {
      const leaf = this.#peers.get(id)!.identity?.leaf
      const slot = leaf && this.#authority.store.certificate(leaf.serial)?.slot
      const isWaitedFor = waits.some((wait) => wait.stage === 're-issue' && wait.slot === slot)
      if (isWaitedFor) holder.askWithin(HOUR)
    }
  }

  /** Its key is its own, and it has the mesh's files. */
  #addCsrPeer(service: string): void {
    const id = `${service}, elsewhere`
    const holder = new CsrHolder(service, {
      ...{ world: this.#world, authority: this.#authority, keys: this.#csrKeys },
      asks: {
        can: () => {
          const peer = this.#peers.get(id)!
          if (peer.isDismissed) return 'never'
          return peer.state === 'running' && !peer.isCutOff ? 'now' : 'later'
        },
        got: () => this.#peers.get(id)!.filesChanged(),
      },
    })
    this.#holders.set(id, holder)
    this.#addPeer(service, id, holder)
    holder.askWithin(MINUTE)
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

  #addPeer(service: string, id: string, pair?: CsrHolder): void {
    const { draw } = this.#world
    const { lag, trouble } = this.#scenario.peers
    const skew = this.#scenario.file.config.authority.clockSkew
    const clockOff = draw.chance(0.3) ? Math.round(draw.between(-0.4, 0.4) * skew) : 0
    const traits = { id, clockOff, lag: draw.scale(lag / 3, lag * 3), worstLag: 10 * lag }
    const peer = new SimulatedPeer(service, traits, {
      ...{ world: this.#world, authority: this.#authority, beliefs: this.#beliefs },
      watch: {
        changed: (changed) => {
          this.invariants.changed(changed)
          if (pair !== undefined && !changed.isDismissed && !changed.isPairGood) pair.askWithin(10 * MINUTE)
        },
        refused: ({ name }, error) => this.#trace?.(`${name} refused: ${error.message}`),
      },
      ...(pair && { pair }),
    })
    this.#peers.set(id, peer)
    this.#world.after(10 * SECOND, () => peer.start())
    this.#everySoOften(`trouble of ${id}`, trouble, () => this.#trouble(peer))
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
