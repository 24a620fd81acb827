import { AsyncLocalStorage } from 'node:async_hooks'

/** Who asks an authority for something, for the audit. */
export interface Asker {
  /** The command: `apply`, `up`, `revoke`; or `console-alice` for an operator at the console. */
  readonly purpose: string
  /** The user ID of the process; undefined where the system has none. */
  readonly uid?: number | undefined
}

/**
 * As the audit names it: `apply uid 0`, or `revoke uid 1000 claimed`. Claimed is what came over the socket: Node can't ask the
 * system who is at the other end of one. Only the owner of the state folder, and root, can open it.
 */
export function actorText({ purpose, uid }: Asker, how: 'proven' | 'claimed'): string {
  const who = uid === undefined ? purpose : `${purpose} uid ${uid}`
  return how === 'claimed' ? `${who} claimed` : who
}

/** For the header of a request. */
export function encodeAsker({ purpose, uid }: Asker): string {
  return `${purpose} ${uid ?? ''}`
}

/** What a request says; whatever it says otherwise than `encodeAsker` does is an unknown asker. */
export function parseAsker(header: unknown): Asker {
  const match = typeof header === 'string' ? /^([a-z][a-z0-9-]{0,70}) (\d{0,10})$/.exec(header) : null
  if (match === null) return { purpose: 'unknown' }
  const [, purpose = '', uid = ''] = match
  return { purpose, uid: uid === '' ? undefined : Number(uid) }
}

const asking = new AsyncLocalStorage<string>()

/** Whatever `deed` begins is recorded as done for `actor`. */
export function askedBy<Result>(actor: string, deed: () => Result): Result {
  return asking.run(actor, deed)
}

/** For whom the work that runs now was begun; undefined: nobody asked from outside. */
export function askerNow(): string | undefined {
  return asking.getStore()
}
