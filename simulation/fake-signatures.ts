import { registerHooks } from 'node:module'

/**
 * Whoever imports this first signs and checks by `faked-crypto.ts` from then on, in this process: the two modules that ask
 * OpenSSL for signatures are given that instead. They know nothing of it, so there is nothing in them to be misused.
 */
const signing = ['signature', 'signer'].map(
  (name) => new URL(`../packages/pki/keys/${name}.ts`, import.meta.url).href,
)

registerHooks({
  resolve(specifier, context, nextResolve) {
    const isFaked = specifier === 'node:crypto' && signing.includes(context.parentURL ?? '')
    return nextResolve(isFaked ? new URL('faked-crypto.ts', import.meta.url).href : specifier, context)
  },
})
