import type { Reader } from '../store/contract.ts'
import { keptPer } from '../store/kept-answer.ts'
import { wholeSeconds } from '../time.ts'

/** A time of which this inventory knows nothing: what was done in it is on record only in one that was lost. */
export interface LostTime {
  /** Milliseconds since the epoch, as is `to`; both are part of it. */
  readonly from: number
  readonly to: number
}

export type LostTimesReader = Pick<Reader, 'mesh' | 'auditRecords'>

/** Of every restore: from the moment that its backup shows, up to the restore. When a folder was copied nobody knows. */
export function lostTimes(store: LostTimesReader): readonly LostTime[] {
  return keptTimes(store).of([store.mesh()?.generation], () => {
    const times: LostTime[] = []
    for (const { deed, at, entry } of store.auditRecords(0)) {
      if (deed !== 'restored') continue
      const { madeAt } = JSON.parse(entry) as { readonly madeAt?: string }
      times.push({ from: madeAt === undefined ? 0 : wholeSeconds(Date.parse(madeAt)), to: at })
    }
    return times
  })
}

/** Every restore raises the generation. */
const keptTimes = keptPer<readonly LostTime[]>()
