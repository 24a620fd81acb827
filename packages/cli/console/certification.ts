import type { ConsoleChannel } from './console-world.ts'

type Waiting = PromiseWithResolvers<string>

/** An authority that is applying for the first time answers when that is done. Milliseconds. */
const PATIENCE = 60_000

/** Has keys certified by the authority at the other end. */
export class Certification {
  readonly #send: ConsoleChannel['send']
  readonly #waiting = new Map<number, Waiting>()
  #asked = 0

  constructor(send: ConsoleChannel['send']) {
    this.#send = send
  }

  /** @param spki DER SubjectPublicKeyInfo @returns PEM: leaf, then issuing CA @throws Error as the authority says it */
  readonly certify = (spki: Uint8Array): Promise<string> => {
    const id = ++this.#asked
    const waiting: Waiting = Promise.withResolvers()
    this.#waiting.set(id, waiting)
    this.#send({ type: 'certify', id, spki: Buffer.from(spki).toString('base64') })
    const timer = setTimeout(() => waiting.reject(new Error('the authority does not answer')), PATIENCE)
    return waiting.promise.finally(() => {
      clearTimeout(timer)
      this.#waiting.delete(id)
    })
  }

  certified(id: number, certificate: string): void {
    this.#waiting.get(id)?.resolve(certificate)
  }

  refused(id: number, message: string): void {
    this.#waiting.get(id)?.reject(new Error(message))
  }
}
