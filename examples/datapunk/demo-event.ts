import type { SensorEvent } from './event.ts'

/** What each source measures, and by how much that goes up and down. */
const sources = [
  { source: 'boiler-temperature', middle: 62, swing: 4 },
  { source: 'door-openings', middle: 3, swing: 3 },
  { source: 'queue-length', middle: 40, swing: 25 },
] as const

/** @param random a number from 0 to 1, each time another */
export function demoEvent(random: () => number): Omit<SensorEvent, 'at'> {
  const { source, middle, swing } = sources[Math.floor(random() * sources.length)] ?? sources[0]
  return { source, value: Math.round((middle + swing * (2 * random() - 1)) * 10) / 10 }
}
