import type { ProbeResult } from '../result.ts'
export async function rehearse(_: unknown): Promise<ProbeResult> {
  throw new Error('x')
}
