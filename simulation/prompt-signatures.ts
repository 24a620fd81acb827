import { signBy } from './sign-by.ts'

/** Whoever imports this first signs and checks as anybody does, and at once: which thread is ready first is no part of a seed. */
signBy('prompt-crypto.ts')
