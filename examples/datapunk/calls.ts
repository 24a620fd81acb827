import type { Mesh } from '@datapunk/mesh'

/** Who called whom, under which certificate. Times in milliseconds since the epoch. */
export interface Call {
  readonly caller: string
  readonly callee: string
  /** Serial of the caller's certificate, hex. */
  readonly certificate: string
  /** Until when that certificate holds. */
  readonly until: number
  /** Connections so far. */
  readonly connections: number
  readonly last: number
}

/** Enough for every pair of a small mesh through some rotations; the ones longest unused are forgotten. */
const MOST = 100

type Accepting = Pick<Mesh, 'on' | 'self'>

/** Keeps the calls that a service was given, and tells every new connection, and every one that was refused. */
export class Calls {
  readonly #calls = new Map<string, Call>()
  #refused = 0

  /**
   * @param say prints a line
   * @param clock milliseconds since the epoch
   */
  constructor(mesh: Accepting, say: (line: string) => void, clock: () => number) {
    const callee = mesh.self.service
    mesh.on('accepted', ({ direction, peer }) => {
      if (direction === 'out') return
      say(callLine(peer.service, callee, peer.serial, peer.notAfter))
      this.#add({ caller: peer.service, callee, certificate: peer.serial, until: peer.notAfter }, clock())
    })
    mesh.on('refused', ({ message, remote, direction }) => {
      this.#refused++
      say(
        `refused ${direction === 'in' ? 'a caller' : 'a server'} at ${remote ?? 'an unknown address'}: ${message}`,
      )
    })
  }

  get list(): Call[] {
    return [...this.#calls.values()]
  }

  get refused(): number {
    return this.#refused
  }

  #add(call: Omit<Call, 'connections' | 'last'>, now: number): void {
    const key = `${call.caller} ${call.certificate}`
    const connections = (this.#calls.get(key)?.connections ?? 0) + 1
    this.#calls.delete(key)
    this.#calls.set(key, { ...call, connections, last: now })
    if (this.#calls.size > MOST) this.#calls.delete(this.#calls.keys().next().value as string)
  }
}

function callLine(caller: string, callee: string, serial: string, until: number): string {
  return `${`${caller} → ${callee}`.padEnd(14)}  certificate ${shortSerial(serial)} until ${rfc3339(until)}`
}

/** How it begins in `mtls status` too; enough to tell certificates apart by eye. */
export function shortSerial(serial: string): string {
  return serial.slice(0, 8)
}

/** @param time milliseconds since the epoch */
export function rfc3339(time: number): string {
  return new Date(time).toISOString().replace(/\.\d{3}Z$/, 'Z')
}
