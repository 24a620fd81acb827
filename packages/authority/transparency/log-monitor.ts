import type { TileLeaf } from '@datapunk/pki'
import { readLogEntries, tilesOfEntries } from '@datapunk/protocol'
import { openCheckpoint, type SignedCheckpoint, TILE_WIDTH } from '@datapunk/tlog'
import type { Engine } from '../engine/engine.ts'
import type { CertificateLog } from '../scts/certificate-log.ts'
import { slotOfLog } from '../scts/submit.ts'
import type { SlotRow } from '../store/rows.ts'
import { compareEntry, type LogFinding } from './compare-entry.ts'

type Monitoring = Pick<Engine, 'store' | 'logSeat' | 'clock' | 'report' | 'config'>

/** How often, milliseconds: a certificate that nobody recorded is to be seen within a minute. */
const LOOK_EVERY = 30_000

/** So long something else than the log, a cache say, may show its checkpoint of before. Milliseconds. */
const MISSING_FOR = 60_000

/** So many looks that fail in a row are told of: three minutes, in which a log may be started anew. */
const FAILED_LOOKS = 6

/** Codes of what a log shows that is not as it has signed it: its own, and those of `tlog`, `protocol` and `pki`. */
const WRONG = new Set([
  'LOG_WRONG',
  'CHECKPOINT_INVALID',
  'NOTE_SIGNATURE_INVALID',
  'TILE_INVALID',
  'TILE_WRONG',
  'TRANSPARENCY_MALFORMED',
])

const REMEDY =
  '`mtls log verify` shows whether anybody can read it; where nobody can, `mtls rotate --log` begins another'

/**
 * Compares the log with the inventory, both ways: what was logged and is not on record was signed by somebody else with our
 * key; what was promised and is not there was never logged. How far it has looked is on record, so that each entry is looked
 * at once.
 */
export class LogMonitor {
  readonly #engine: () => Monitoring
  #timer: NodeJS.Timeout | undefined
  #looking: Promise<void> = Promise.resolve()
  /** By leaf index: since when what was promised is not there. */
  readonly #missing = new Map<number, number>()
  /** What was told last of it. */
  #wrong: string | undefined
  /** The looks at a log since the last one that did not fail. */
  #failed: { readonly log: CertificateLog | undefined; readonly since: number; looks: number } | undefined

  /** @param engine asked at every look: its config may be another by then */
  constructor(engine: () => Monitoring) {
    this.#engine = engine
  }

  start(): void {
    this.#timer = setInterval(() => void this.look(), LOOK_EVERY)
    this.#timer.unref()
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#looking
  }

  /** Looks at what is new, now. Never rejects: a log that can't be read is told of once, and looked at again. */
  look(): Promise<void> {
    this.#looking = this.#looking
      .then(() => this.#look())
      .then(
        () => this.#looked(),
        (error) => this.#tell(error),
      )
    return this.#looking
  }

  #looked(): void {
    this.#failed = undefined
    this.#engine().logSeat.unread = undefined
  }

  /** That it can't be read is no alarm; that it is not as it has signed is one, once. */
  #tell(error: unknown): void {
    const { code, message } = error as { code?: string; message: string }
    if (code === undefined || !WRONG.has(code)) return void this.#tellUnread(code, message)
    if (message === this.#wrong) return
    this.#wrong = message
    const { logSeat, report, clock } = this.#engine()
    const detail = { log: logSeat.log?.origin ?? '', message }
    report({ kind: 'log-alarm', subject: 'mesh', at: clock(), detail })
  }

  /** It may be over soon; where it is not, nobody sees what is logged in our name: that is told once, until it can be read again. */
  #tellUnread(code: string | undefined, message: string): void {
    const { logSeat, report, clock } = this.#engine()
    const { log } = logSeat
    if (this.#failed?.log !== log) this.#failed = undefined
    this.#failed ??= { log, since: clock(), looks: 0 }
    const looks = ++this.#failed.looks
    if (looks < FAILED_LOOKS) return
    const since = new Date(this.#failed.since).toISOString()
    const error = `the log ${log?.origin ?? ''} has not been compared with what is on record since ${since}: ${message}`
    logSeat.unread = code === 'STORE_FAILED' ? error : `${error}. ${REMEDY}`
    if (looks > FAILED_LOOKS) return
    const kind = code === 'STORE_FAILED' ? 'store-failed' : 'log-unavailable'
    report({ kind, subject: 'mesh', at: clock(), detail: { error: logSeat.unread } })
  }

  async #look(): Promise<void> {
    const { store, logSeat, config } = this.#engine()
    const mesh = store.mesh()
    // One that was away when it was to be opened may have come back.
    if (mesh !== undefined && config.transparency !== 'off' && config.authority.log !== undefined)
      await logSeat.take(mesh)
    const { log } = logSeat
    const slot = log && slotOfLog(store, log.spki)
    if (log === undefined || slot === undefined) return
    // What it has promised by now, its next checkpoint holds: there is no merge delay.
    const promised = [...logSeat.promised.keys()]
    const signed = await log.read('checkpoint')
    logSeat.wasRead()
    const checkpoint = signed && openCheckpoint(signed, log)
    this.#tellMissing(log, promised, checkpoint?.size ?? 0)
    if (checkpoint === undefined) return
    for (const tile of tilesOfEntries(slot.monitored ?? 0, checkpoint.size))
      await this.#tile(log, slot, checkpoint, tile)
  }

  #tellMissing({ origin }: CertificateLog, promised: readonly number[], size: number): void {
    const { logSeat, report, clock } = this.#engine()
    for (const leafIndex of this.#missing.keys()) if (leafIndex < size) this.#missing.delete(leafIndex)
    for (const leafIndex of promised) {
      if (leafIndex < size) continue
      const since = this.#missing.get(leafIndex) ?? clock()
      this.#missing.set(leafIndex, since)
      if (clock() - since < MISSING_FOR) continue
      this.#missing.delete(leafIndex)
      logSeat.promised.delete(leafIndex)
      const message = `entry ${leafIndex}, which the log has promised, is not there: it has ${size}`
      report({ kind: 'log-alarm', subject: 'mesh', at: clock(), detail: { log: origin, leafIndex, message } })
    }
  }

  async #tile(log: CertificateLog, slot: SlotRow, checkpoint: SignedCheckpoint, tile: number): Promise<void> {
    const { store, clock, report } = this.#engine()
    const from = slot.monitored ?? 0
    const read = async (path: string) => {
      const octets = await log.read(path)
      if (octets === undefined) throw new Error(`found no ${path} in the log`)
      return octets
    }
    const entries = (await readLogEntries(read, checkpoint, tile)).filter(
      ({ leafIndex }) => leafIndex >= from,
    )
    for (const entry of entries) {
      for (const { kind, message, ...found } of this.#findings(log, entry)) {
        if (kind !== 'alarm') continue
        const detail = { log: log.origin, ...found, message }
        report({ kind: 'log-alarm', subject: 'mesh', at: clock(), detail })
      }
    }
    const monitored = Math.min((tile + 1) * TILE_WIDTH, checkpoint.size)
    await store.write((transaction) => {
      const now = transaction.slots().find(({ id }) => id === slot.id)
      if (now !== undefined)
        transaction.putSlot({ ...now, monitored: Math.max(monitored, now.monitored ?? 0) })
    })
  }

  #findings({ spki }: CertificateLog, entry: TileLeaf): LogFinding[] {
    const { store, logSeat, config } = this.#engine()
    const promised = logSeat.promised.get(entry.leafIndex)
    logSeat.promised.delete(entry.leafIndex)
    return compareEntry(entry, { store, config, log: spki, promised })
  }
}
