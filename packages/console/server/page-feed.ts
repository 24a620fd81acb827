import type { Writable } from 'node:stream'
import type { ConsoleMessage } from '@datapunk/protocol/console'

/** Characters that may wait while a page takes what was told before. */
export const MAX_WAITING = 4 * 1024 * 1024

/**
 * What one page is told, a JSON object a line. A view is as long as the mesh is large, and told once: it has no limit but that the page
 * takes it, and what gathers meanwhile has one. So a page costs a view and twice `MAX_WAITING` at the most.
 */
export class PageFeed {
  readonly #out: Writable
  readonly #onFull: () => void
  #waiting: string[] = []
  /** Characters, without views. */
  #waitingLength = 0
  #isTaking = false
  #wasTakingThis = false

  /** @param onFull too much waits: whoever goes on with changes alone would miss some, so it has to come again */
  constructor(out: Writable, onFull: () => void) {
    this.#out = out
    this.#onFull = onFull
  }

  tell(message: ConsoleMessage): void {
    const line = `${JSON.stringify(message)}\n`
    this.#waiting.push(line)
    if (message.type !== 'view') this.#waitingLength += line.length
    if (this.#waitingLength > MAX_WAITING) this.#onFull()
    else if (!this.#isTaking) this.#send()
  }

  /** Whether it still takes what it was taking when this was asked the last time. */
  isStuck(): boolean {
    const isStuck = this.#wasTakingThis
    this.#wasTakingThis = this.#isTaking
    return isStuck
  }

  /** What waits goes on together, once the one before is with the system. */
  #send(): void {
    const text = this.#waiting.join('')
    this.#waiting = []
    this.#waitingLength = 0
    this.#wasTakingThis = false
    this.#isTaking = text !== ''
    if (!this.#isTaking) return
    this.#out.write(text, (error) => {
      if (!error) this.#send()
    })
  }
}
