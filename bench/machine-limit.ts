import { generateKeyPairSync, randomBytes, sign, verify } from 'node:crypto'
import { closeSync, fdatasyncSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { measured } from './measure.ts'

/** What a machine takes for what no log and no issuing can do without; microseconds each. */
export interface MachineCosts {
  /** ECDSA on P-256, of 600 octets. */
  readonly sign: number
  readonly verify: number
  /** 4 KiB written and synced. */
  readonly sync: number
}

const TIMES = 501

/** Medians by the clock, each of them alone. @param folder where the file lies that is synced */
export function machineCosts(folder: string): MachineCosts {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const message = randomBytes(600)
  const signature = sign('sha256', message, privateKey)
  const page = randomBytes(4096)
  const file = openSync(join(folder, 'synced'), 'w')
  const costs = {
    sign: medianOf(() => sign('sha256', message, privateKey)),
    verify: medianOf(() => verify('sha256', message, publicKey, signature)),
    sync: medianOf(() => {
      writeSync(file, page, 0, page.length, 0)
      fdatasyncSync(file)
    }),
  }
  closeSync(file)
  return costs
}

function medianOf(act: () => unknown): number {
  const one = () => {
    const begun = performance.now()
    act()
    return (performance.now() - begun) * 1000
  }
  return measured(Array.from({ length: TIMES }, one)).median
}
