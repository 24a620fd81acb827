/** Ends a service: what it has under way is finished first. */
export type Stop = () => Promise<void>

export interface RunContext {
  /** Prints a line for people. */
  readonly say: (line: string) => void
  /** Milliseconds since the epoch. */
  readonly clock: () => number
}

/**
 * Runs a service until SIGINT or SIGTERM. What keeps it from starting is
 * printed, and it exits with 1.
 */
export async function run(service: string, start: (context: RunContext) => Promise<Stop>): Promise<void> {
  const { promise: asked, resolve: stop } = Promise.withResolvers<void>()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop())
  try {
    const end = await start({ say: (line) => console.log(line), clock: Date.now })
    // An await of a promise keeps no process alive, and a service may have nothing but its servers.
    await asked
    await end()
    process.exit(0)
  } catch (error) {
    console.error(`${service}: ${error instanceof Error ? error.message : error}`)
    process.exit(1)
  }
}
