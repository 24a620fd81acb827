import { generateKeyPairSync, sign } from 'node:crypto'
import type { Candidate } from '../candidate.ts'
import { Sequencer, type SequencerOptions } from '../sequencer.ts'
import type { LogSigner } from '../signed-checkpoint.ts'
import { hashLeaf } from '../tree-hash.ts'
import type { Fault } from './memory-disk.ts'
import { MemoryDisk, MemoryProcess, type Step } from './memory-disk.ts'

/** A log of short notes, and the disk that outlives its processes. */
export class NoteLog {
  readonly disk = new MemoryDisk()
  readonly origin = 'log.example/notes'
  /** Milliseconds since the epoch. */
  now = 1_800_000_000_000
  readonly signer: LogSigner = testSigner

  /** @param faultAt asked at each step of the new process, the opening among them */
  open(
    faultAt?: (step: Step) => Fault | undefined,
    options: Pick<SequencerOptions, 'poolSize'> = {},
  ): { readonly process: MemoryProcess; readonly sequencer: Promise<Sequencer> } {
    const process = new MemoryProcess(this.disk, faultAt)
    const { origin, signer } = this
    const sequencer = Sequencer.open({
      ...{ store: process, lock: process, clock: () => this.now, origin, signer, ...options },
      leavesOf: (records) => notesIn(records).map((note) => hashLeaf(Buffer.from(note))),
    })
    return { process, sequencer }
  }

  async reopen(): Promise<Sequencer> {
    return this.open().sequencer
  }
}

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const testSigner: LogSigner = {
  spki: publicKey.export({ type: 'spki', format: 'der' }),
  sign: async (message) => sign('sha256', message, privateKey),
}

/** Its leaf, its record and its receipt say its key, its place and its time. */
export function note(key: string): Candidate {
  return {
    key,
    attachments: new Map([[`attached/${key.length}`, Buffer.from(`of length ${key.length}`)]]),
    entryAt: async (index, timestamp) => {
      const leaf = Buffer.from(`${key} ${index} ${timestamp}`)
      return { leaf, record: Buffer.concat([Uint8Array.of(leaf.length), leaf]), receipt: leaf }
    },
  }
}

export function notes(count: number, first = 0): Candidate[] {
  return Array.from({ length: count }, (_, at) => note(`note-${first + at}`))
}

/** What the notes of a data tile say. */
export function notesIn(records: Uint8Array): string[] {
  const found: string[] = []
  for (let at = 0; at < records.length; at += 1 + records[at]!)
    found.push(Buffer.from(records.subarray(at + 1, at + 1 + records[at]!)).toString())
  return found
}
