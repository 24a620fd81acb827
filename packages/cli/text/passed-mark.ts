import type { Output } from './output.ts'

/** A rule's verdict in one sign; a dash where it was not judged. */
export function passedMark(passed: boolean | null, output: Output): string {
  if (passed === null) return output.styled('quiet', '-')
  return passed ? output.styled('good', '✓') : output.styled('bad', '✗')
}
