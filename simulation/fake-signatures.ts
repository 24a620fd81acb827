import { signBy } from './sign-by.ts'

/** Whoever imports this first signs and checks without the mathematics from then on. */
signBy('faked-crypto.ts')
