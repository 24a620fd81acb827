import type { ServerResponse } from 'node:http'

/** What a caller did wrong or can't have, as it is told to it (RFC 9457). */
export class Problem extends Error {
  override readonly name = 'Problem'
  readonly status: number
  readonly code: string

  /** @param message what was found, and what is allowed */
  constructor(status: number, code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.status = status
    this.code = code
  }
}

/** Answers with the problem. What is no `Problem` is the service's own fault: it goes to its log, not to the caller. */
export function sendProblem(response: ServerResponse, error: unknown): void {
  const problem = error instanceof Problem ? error : internal(error)
  response.writeHead(problem.status, { 'content-type': 'application/problem+json' })
  response.end(`${JSON.stringify({ status: problem.status, code: problem.code, detail: problem.message })}\n`)
}

function internal(error: unknown): Problem {
  console.error(error)
  return new Problem(500, 'INTERNAL', 'found a fault of the service itself; its log says which')
}
