import { demoEvent } from './demo-event.ts'

/** Milliseconds. */
const EVERY = 400

/**
 * Sends events to nexus as people would, one after the other, so that there is something to look at.
 *
 * @param url where nexus listens for people
 * @param say prints a line: that events are not taken, and that they are again
 * @returns ends it
 */
export function startDemoFlow(url: string, random: () => number, say: (line: string) => void): () => void {
  let failure: string | undefined
  const timer = setInterval(async () => {
    const found = await sendEvent(url, JSON.stringify(demoEvent(random)))
    if (found !== failure) say(found === undefined ? 'events are taken again' : `no event taken: ${found}`)
    failure = found
  }, EVERY)
  return () => clearInterval(timer)
}

async function sendEvent(url: string, body: string): Promise<string | undefined> {
  try {
    const reply = await fetch(`${url}/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
      signal: AbortSignal.timeout(5000),
    })
    const text = await reply.text()
    return reply.ok ? undefined : text.trim()
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
