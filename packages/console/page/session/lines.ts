import { PageError } from '../page-error.ts'

/** Characters. A view of a hundred thousand services has some fifty million. */
const MAX_LINE = 100_000_000

/**
 * The lines of a text that comes in pieces. What follows the last newline is half a line, and not told.
 *
 * @throws PageError `STREAM_MALFORMED` a line is longer than any that is meant
 */
export async function* readLines(
  pieces: AsyncIterable<string>,
  maxLine: number = MAX_LINE,
): AsyncGenerator<string, void, undefined> {
  let held: string[] = []
  let length = 0
  for await (const piece of pieces) {
    const [first, ...more] = piece.split('\n')
    held.push(first!)
    length += first!.length
    for (const next of more) {
      check(length, maxLine)
      yield held.join('')
      held = [next]
      length = next.length
    }
    check(length, maxLine)
  }
}

function check(length: number, maxLine: number): void {
  if (length > maxLine) throw new PageError('STREAM_MALFORMED', `a line is longer than ${maxLine} characters`)
}
