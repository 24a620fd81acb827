import { registerHooks } from 'node:module'

/** The two modules that ask OpenSSL for signatures. */
const signing = ['signature', 'signer'].map(
  (name) => new URL(`../packages/pki/keys/${name}.ts`, import.meta.url).href,
)

/**
 * From now on they are given a file of this folder instead of `node:crypto`, in this process. They know nothing of it, so there is
 * nothing in them to be misused.
 */
export function signBy(file: string): void {
  registerHooks({
    resolve(specifier, context, nextResolve) {
      const isAsked = specifier === 'node:crypto' && signing.includes(context.parentURL ?? '')
      return nextResolve(isAsked ? new URL(file, import.meta.url).href : specifier, context)
    },
  })
}
