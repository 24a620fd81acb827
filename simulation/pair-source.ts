import type { PairText } from '../packages/mesh/files/pair-file.ts'
import type { SimulatedDisk } from './simulated-disk.ts'

export type { PairText }

/** Where a service finds its pair. */
export interface PairSource {
  /** Another one whenever there is another pair; empty where there is none. */
  readonly version: string
  read(): PairText | undefined
}

/** Where the authority has put it. */
export function pairOnDisk(machine: SimulatedDisk, place: { cert: string; key: string }): PairSource {
  return {
    get version() {
      return machine.identityOf(place.cert) ?? ''
    },
    read: () => {
      const [cert, key] = [machine.read(place.cert), machine.read(place.key)]
      if (cert === undefined || key === undefined) return undefined
      return { certFile: place.cert, keyFile: place.key, cert, key }
    },
  }
}
