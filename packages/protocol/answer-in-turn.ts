import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

type Answer = (request: IncomingMessage, response: ServerResponse) => void

/** Of one connection. To ask again before an answer has come is allowed, and hardly anybody does it. */
const MAX_UNANSWERED = 16

/**
 * Milliseconds. The system takes what is large in lumps: of 5 MB that were read at 10 kB a second, the second after a minute and three
 * quarters.
 */
const UNREAD_FOR = 120_000

interface Asked {
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

/** Of one connection: what is answered now, and what waits for that. */
interface Turn {
  /** Kept here, because a request has none any more once it is read no further, and is answered after that. */
  readonly socket: Socket
  current: ServerResponse
  readonly waiting: Asked[]
}

/**
 * Answers the requests of a connection one by one (RFC 9112 9.3.2). Node tells of all that were sent, and whoever sends thousands and
 * reads nothing would be owed an answer to each: here none is begun before the system has taken the one before. Who asks for too
 * much ahead is cut, and so is who does not read what is ready; for who is gone nothing is begun.
 *
 * @param options.unreadFor for how long nothing of an answer that is ready need move, milliseconds
 */
export function answerInTurn(answer: Answer, { unreadFor = UNREAD_FOR } = {}): Answer {
  const turns = new WeakMap<Socket, Turn>()
  const begin = (turn: Turn, request: IncomingMessage, response: ServerResponse) => {
    turn.current = response
    answer(request, response)
    // Most are small, and with the system at once.
    if (response.writableFinished) return
    // Not before it is ready: what takes its time here is nothing that the other side could do about.
    const limit = () => turn.socket.setTimeout(unreadFor)
    if (response.writableEnded) limit()
    else response.once('prefinish', limit)
  }
  const goOn = (turn: Turn) => {
    const asked = turn.waiting.shift()
    if (asked === undefined || turn.socket.destroyed) return
    // The limit of the one before, which was read.
    turn.socket.setTimeout(0)
    begin(turn, asked.request, asked.response)
    if (turn.waiting.length > 0) turn.current.once('close', () => goOn(turn))
  }
  return (request, response) => {
    const { socket } = request
    if (socket.destroyed) return
    const turn = turns.get(socket)
    if (turn === undefined) {
      const first = { socket, current: response, waiting: [] }
      turns.set(socket, first)
      return begin(first, request, response)
    }
    if (turn.waiting.length === 0 && turn.current.writableFinished) return begin(turn, request, response)
    turn.waiting.push({ request, response })
    if (turn.waiting.length >= MAX_UNANSWERED) socket.destroy()
    else if (turn.waiting.length === 1) turn.current.once('close', () => goOn(turn))
  }
}
