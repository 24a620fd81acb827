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

/**
 * Answers the requests of a connection one by one (RFC 9112 9.3.2). Node tells of all that were sent, and whoever sends thousands and
 * reads nothing would be owed an answer to each: here none is begun before the system has taken the one before. Who asks for too
 * much ahead is cut, and so is who does not read what is ready; for who is gone nothing is begun.
 *
 * @param options.unreadFor for how long nothing of an answer that is ready need move, milliseconds
 */
export function answerInTurn(answer: Answer, { unreadFor = UNREAD_FOR } = {}): Answer {
  const queues = new WeakMap<Socket, Asked[]>()
  const begin = (queue: Asked[]) => {
    const [asked] = queue
    if (asked === undefined || asked.request.socket.destroyed) return
    const { request, response } = asked
    const { socket } = request
    // Not before it is ready: what takes its time here is nothing that the other side could do about.
    response.once('prefinish', () => socket.setTimeout(unreadFor))
    response.once('close', () => {
      queue.shift()
      begin(queue)
    })
    answer(request, response)
  }
  return (request, response) => {
    const { socket } = request
    if (socket.destroyed) return
    const queue = queues.get(socket) ?? []
    queues.set(socket, queue)
    queue.push({ request, response })
    if (queue.length > MAX_UNANSWERED) socket.destroy()
    else if (queue.length === 1) begin(queue)
  }
}
