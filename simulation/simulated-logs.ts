import { dirname, join } from 'node:path'
import { encodeSct, parseCertificate, withoutPoison } from '@datapunk/pki'
import { keyIdOf, type Layout, logFolderId } from '@datapunk/protocol'
import { EMPTY_EDGE, growTree, type TreeRoot } from '@datapunk/tlog'
import type { Disk } from '../packages/authority/disk/disk.ts'
import type { CertificateLog, WantedLog } from '../packages/authority/scts/certificate-log.ts'
import { TestLog } from '../testkit/test-log.ts'
import { KeyPool } from './key-pool.ts'
import type { World } from './world.ts'

/** One log for each mesh and generation, as an authority opens it, on a machine of its own. */
export class SimulatedLogs {
  /** Nobody can reach it. */
  isDown = false
  readonly #world: World
  readonly #keys = new KeyPool('log', Number.POSITIVE_INFINITY)
  readonly #logs = new Map<string, TestLog>()
  /** Serials of what was ever submitted. */
  readonly #submitted = new Set<string>()
  #inUse: TestLog | undefined

  constructor(world: World) {
    this.#world = world
  }

  readonly open = async ({ meshId, generation, fresh }: WantedLog): Promise<CertificateLog> => {
    this.#reach()
    const key = `${meshId} ${generation}`
    const known = fresh ? undefined : this.#logs.get(key)
    const log = known ?? TestLog.of(this.#keys.next().privateKey)
    this.#logs.set(key, log)
    this.#inUse = log
    return this.#handleOf(log)
  }

  wasSubmitted(serial: string): boolean {
    return this.#submitted.has(serial)
  }

  /** What whoever looks at the log in use now sees; undefined where there is none. */
  get shown(): (TreeRoot & { readonly log: string }) | undefined {
    const log = this.#inUse
    return log && { ...treeOf(log), log: keyIdOf(log.signer.spki) }
  }

  /** It is as it was with so many entries: what it has promised since, it does not know. */
  putBack(size: number): void {
    this.#inUse!.leaves.length = size
    this.#inUse!.records.length = size
  }

  /** What a log publishes lies on the authority’s machine too, up to now. */
  async writeFiles(disk: Disk, layout: Layout): Promise<void> {
    for (const log of this.#logs.values()) {
      const { public: shown } = layout.log(logFolderId(keyIdOf(log.signer.spki)))
      for (const [path, bytes] of await log.files(originOf(log), this.#world.now())) {
        disk.ensureFolder(dirname(join(shown, path)), 0o755)
        disk.writeFileAtomic(join(shown, path), bytes, { mode: 0o644 })
      }
    }
  }

  #reach(): void {
    if (this.isDown) throw new Error('connect ECONNREFUSED')
  }

  #handleOf(log: TestLog): CertificateLog {
    const origin = originOf(log)
    const reached =
      <Given extends unknown[], Result>(answer: (...given: Given) => Promise<Result>) =>
      async (...given: Given) => {
        this.#reach()
        return answer(...given)
      }
    return {
      spki: log.signer.spki,
      origin,
      submit: reached(async ([precertificate, issuer]: readonly Uint8Array[]) => {
        const parsed = parseCertificate(precertificate!)
        const { spki: issuerSpki } = parseCertificate(issuer!)
        const loggable = { tbs: withoutPoison(parsed.tbs), issuerSpki, precertificate: precertificate! }
        this.#submitted.add(parsed.serial)
        return encodeSct(await log.sct(loggable, this.#world.now()))
      }),
      read: reached(async (path: string) => (await log.files(origin, this.#world.now())).get(path)),
      takes: reached(async () => true),
      holds: async ({ size, root }) =>
        size <= log.leaves.length && Buffer.compare(treeOf(log, size).root, root) === 0,
      close: async () => {},
    }
  }
}

function originOf({ id }: TestLog): string {
  return `log.test/${id.slice(0, 32)}`
}

function treeOf({ leaves }: TestLog, size = leaves.length): TreeRoot {
  const { root } = growTree(EMPTY_EDGE, leaves.slice(0, size))
  return { size, root }
}
