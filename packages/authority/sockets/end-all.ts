/**
 * Takes every step, one after the other, whatever those before it have come to: what is left open or held is in somebody's way.
 *
 * @throws what the first of those that failed has thrown
 */
export async function endAll(steps: readonly (() => unknown)[]): Promise<void> {
  const failures: unknown[] = []
  for (const step of steps) {
    try {
      await step()
    } catch (error) {
      failures.push(error)
    }
  }
  if (failures.length > 0) throw failures[0]
}
