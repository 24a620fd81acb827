import type { Socket } from 'node:net'
import { finished } from 'node:stream/promises'
import { abandon } from './abandon.ts'

/**
 * Carries bytes both ways until both have ended. An end goes on as an end of that direction alone, and who reads slowly
 * slows the writer down. Where one half fails or is destroyed, the other is abandoned.
 *
 * @param one open, with `allowHalfOpen`, and not read from yet
 * @param other likewise
 * @throws whatever ended one half before its time
 */
export async function splice(one: Socket, other: Socket): Promise<void> {
  const halves = [finished(one), finished(other)]
  one.pipe(other)
  other.pipe(one)
  try {
    await Promise.all(halves)
  } catch (error) {
    abandon(one)
    abandon(other)
    throw error
  }
}
