import { encodeSct, parseCertificate, withoutPoison } from '@datapunk/pki'
import { TestLog } from './test-log.ts'

/** One log for each mesh and generation, as an authority opens it; all in memory, and none keeps what it promises to. */
export class TestLogs {
  readonly #logs = new Map<string, TestLog>()

  /** @param clock milliseconds since the epoch */
  opener(clock: () => number) {
    return async (of: { readonly meshId: string; readonly generation: number; readonly fresh: boolean }) => {
      const key = `${of.meshId} ${of.generation}`
      const known = of.fresh ? undefined : this.#logs.get(key)
      const log = known ?? (await TestLog.create())
      if (known === undefined) this.#logs.set(key, log)
      const origin = `log.test/${log.id.slice(0, 32)}`
      return {
        spki: log.signer.spki,
        origin,
        submit: async ([precertificate, issuer]: readonly Uint8Array[]) => {
          const tbs = withoutPoison(parseCertificate(precertificate!).tbs)
          const { spki: issuerSpki } = parseCertificate(issuer!)
          return encodeSct(await log.sct({ tbs, issuerSpki, precertificate: precertificate! }, clock()))
        },
        read: async (path: string) => (await log.files(origin, clock())).get(path),
        takes: async () => true,
        holds: async () => true,
        close: async () => {},
      }
    }
  }
}
