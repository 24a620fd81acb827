import { setTimeout } from 'node:timers/promises'

/** Resolves after so many milliseconds, or at once when the signal is given. */
export async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await setTimeout(milliseconds, undefined, { signal }).catch((error: Error) => {
    if (error.name !== 'AbortError') throw error
  })
}
