import { sha256 } from '@datapunk/pki'
import { type Config, keyIdOf, type ServiceConfig } from '@datapunk/protocol'
import type { Engine } from '../engine/engine.ts'
import type { DeliverOptions, Handover } from '../engine/handover.ts'
import { listedCas } from '../revoked/listed-cas.ts'
import type { Reader } from '../store/contract.ts'
import type { InstanceRow } from '../store/rows.ts'
import { nextTry } from '../timing/pace.ts'
import { trustedSlots } from '../trust/trust.ts'

interface Due extends Handover {
  readonly instance: string
  readonly digest: string
}

/** How many are told at once: each may be a command that takes its time. */
const AT_ONCE = 4

/** A server that was told reads its files in its own time, and nothing shows when it has read the roots. Milliseconds. */
export const SETTLE_TIME = 5000

type Known = Pick<Engine, 'store' | 'config'>

/** Instances that read files and have not been told, or have not shown, what lies there now. */
export function undelivered(known: Known): string[] {
  return dueHandovers(known).map(({ instance }) => instance)
}

/** Those, and whoever was told so short a time ago that it may not have read them yet. */
export function unsettled(known: Known & Pick<Engine, 'clock'>): string[] {
  const justTold = known.store.deliveries().filter(({ at }) => known.clock() - at < SETTLE_TIME)
  return [...undelivered(known), ...justTold.map(({ instance }) => instance)]
}

/** Tells every service that reads files, and has not heard of them, that its files have changed. @returns how many were told */
export async function deliver(engine: Engine, options: DeliverOptions): Promise<number> {
  const deliveries = new Deliveries(() => {})
  deliveries.begin(engine, options)
  await deliveries.settled()
  return deliveries.told
}

/**
 * Tells services of their files beside whatever else is done: any of them may take its time. One that fails is reported, and told
 * again later; it harms none of the others.
 */
export class Deliveries {
  readonly #looksDue: () => void
  /** What each instance is being told of now, by its digest. */
  readonly #busy = new Map<string, string>()
  #waiting: readonly Due[] = []
  /** Whose files have changed while they were being told. */
  #again = new Map<string, Due>()
  #working = Promise.resolve()
  #told = 0
  readonly #ending = new AbortController()

  /** @param looksDue called when there may be more to do: nobody is being told any more, or somebody could not be */
  constructor(looksDue: () => void) {
    this.#looksDue = looksDue
  }

  /** Whoever is being told already is told again after that, should his files have changed meanwhile. */
  begin(engine: Engine, { automatic }: DeliverOptions): void {
    const { store, clock } = engine
    const tries = new Map(store.attempts().map((row) => [`${row.kind} ${row.subject}`, row.nextTryAt]))
    const asked = new Set(this.#waiting.map(({ instance }) => instance))
    const mayBeTold = ({ instance }: Due) =>
      !automatic || asked.has(instance) || (tries.get(`reload ${instance}`) ?? 0) <= clock()
    const due = dueHandovers(engine).filter(mayBeTold)
    this.#waiting = due.filter(({ instance }) => !this.#busy.has(instance))
    this.#again = new Map(
      due.flatMap((one) => {
        const digest = this.#busy.get(one.instance)
        return digest === undefined || digest === one.digest ? [] : [[one.instance, one]]
      }),
    )
    const more = Math.min(AT_ONCE - this.#busy.size, this.#waiting.length)
    const working = Array.from({ length: more }, () => this.#work(engine))
    this.#working = Promise.all([this.#working, ...working]).then(() => {})
  }

  /** How many have been told. */
  get told(): number {
    return this.#told
  }

  /** Resolves when nobody is being told. */
  async settled(): Promise<void> {
    for (let working: unknown; working !== this.#working; ) {
      working = this.#working
      await working
    }
  }

  /**
   * Nobody else is told. Whoever was not by then is due at the next start.
   *
   * @param grace for those who are being told, milliseconds
   */
  async end(grace: number): Promise<void> {
    this.#waiting = []
    this.#again.clear()
    const late = setTimeout(() => this.#ending.abort(), grace)
    try {
      await this.settled()
    } finally {
      clearTimeout(late)
    }
  }

  async #work(engine: Engine): Promise<void> {
    for (let [next, ...others] = this.#waiting; next !== undefined; [next, ...others] = this.#waiting) {
      const { instance, digest } = next
      this.#waiting = others
      this.#busy.set(instance, digest)
      const isTold = await deliverOne(engine, next, this.#ending.signal)
      this.#busy.delete(instance)
      if (isTold) this.#told++
      const again = isTold ? this.#again.get(instance) : undefined
      if (again !== undefined) this.#waiting = [...this.#waiting, again]
      this.#again.delete(instance)
      if (!isTold || (this.#busy.size === 0 && this.#waiting.length === 0)) this.#looksDue()
    }
  }
}

async function deliverOne(
  engine: Engine,
  { instance, digest, ...handover }: Due,
  signal: AbortSignal,
): Promise<boolean> {
  const { store, clock, report, randomBytes } = engine
  const subject = handover.service
  try {
    await engine.tellService(handover, signal)
    await store.write((transaction) => {
      transaction.putDelivery({ instance, digest, at: clock() })
      transaction.forgetAttempt('reload', instance)
    })
    report({ kind: 'reloaded', subject, at: clock(), detail: { instance, serial: handover.serial } })
    return true
  } catch (cause) {
    if (signal.aborted) return false
    const error = (cause as Error).message
    const attempts = failuresOf(store, instance) + 1
    const nextTryAt = nextTry(clock(), attempts, randomBytes)
    const row = { kind: 'reload', subject: instance, attempts, nextTryAt, waits: false, error } as const
    // A store that can't be written may be what failed: the others are told all the same, and this one at the next run.
    await store.write((transaction) => transaction.putAttempt(row)).catch(() => {})
    const detail = { instance, error, nextTryAt: new Date(nextTryAt).toISOString() }
    report({ kind: 'reload-failed', subject, at: clock(), detail })
    return false
  }
}

function failuresOf(store: Reader, instance: string): number {
  const row = store.attempts().find(({ kind, subject }) => kind === 'reload' && subject === instance)
  return row?.attempts ?? 0
}

function dueHandovers({ store, config }: Known): Due[] {
  const told = [...config.services.values()].filter(({ reload, delivery }) => reload && delivery !== 'mesh')
  if (told.length === 0) return []
  const current = new Map(store.currentCertificates().map((row) => [row.instance, row.serial]))
  const delivered = new Map(store.deliveries().map(({ instance, digest }) => [instance, digest]))
  const roots = trustedSlots(store).roots.map(({ spki }) => keyIdOf(spki))
  const lists = listedCas(store).map(({ slot, list }) => `${slot.id} ${list?.number}`)
  const members = new Set(store.services().flatMap((row) => (row.state === 'member' ? [row.service] : [])))
  const instances = Map.groupBy(store.instances(), ({ service }) => service)
  const dueOf = (service: ServiceConfig, { id, place }: InstanceRow): Due[] => {
    const serial = current.get(id)
    if (place !== 'here' || serial === undefined || !members.has(service.service)) return []
    const digest = digestOf(serial, roots, lists)
    if (delivered.get(id) === digest) return []
    return [{ ...handoverOf(service, config), serial, instance: id, digest }]
  }
  return told.flatMap((service) =>
    (instances.get(service.service) ?? []).flatMap((instance) => dueOf(service, instance)),
  )
}

function handoverOf({ service, reload, cert, key, address }: ServiceConfig, { paths }: Config) {
  return { service, reload: reload!, files: { cert, key, caCert: paths.caCert, crl: paths.crl }, address }
}

/** Of everything that such a service reads: its certificate, the roots and the revocation lists. */
function digestOf(serial: string, roots: readonly string[], lists: readonly string[]): string {
  const read = JSON.stringify([serial, [...roots].sort(), [...lists].sort()])
  return Buffer.from(sha256(Buffer.from(read))).toString('hex')
}
