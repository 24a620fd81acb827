import * as fs from 'node:fs'
import type { DiskCalls } from '../disk-steps.ts'

/** What the system answers from the n-th call on: it is dead, or it refuses this one call. */
export type Failure = 'power-cut' | 'ENOSPC' | 'EROFS' | 'EACCES' | 'EIO'

/** Thrown by every call once the power is cut. */
export class PowerCut extends Error {
  override readonly name = 'PowerCut'
}

/**
 * The real calls of `node:fs`, until the n-th: for tests that try every point at which a disk can fail.
 *
 * `power-cut` fails that call and all that follow, cleaning up included, as after `kill -9`. The others fail that call
 * alone, as the system would: with an error of that code, and nothing done. `failAt` counts from 1; without it, calls
 * are only counted and logged.
 */
export class FailingCalls {
  readonly calls: DiskCalls
  /** `openSync /f/.name.new`, … in order, the failed one included. */
  readonly log: string[] = []
  readonly #failAt: number
  readonly #failure: Failure

  constructor(options: { failAt?: number; failure?: Failure } = {}) {
    this.#failAt = options.failAt ?? Number.POSITIVE_INFINITY
    this.#failure = options.failure ?? 'power-cut'
    this.calls = new Proxy(fs, { get: (_, name) => this.#wrap(String(name)) })
  }

  #wrap(name: string) {
    const real = (fs as unknown as Record<string, (...given: unknown[]) => unknown>)[name]!
    return (...given: unknown[]) => {
      this.log.push(typeof given[0] === 'string' ? `${name} ${given[0]}` : name)
      const number = this.log.length
      if (number === this.#failAt && this.#failure !== 'power-cut') {
        // Linux frees the descriptor whatever close(2) answers.
        if (name === 'closeSync') real(...given)
        throw this.#refusal(name)
      }
      // A process that dies takes its open files with it; this one lives on, and must close them for real.
      if (number >= this.#failAt && this.#failure === 'power-cut') {
        if (name === 'closeSync') real(...given)
        throw new PowerCut(`the power was cut before ${name}, call ${number}`)
      }
      return real(...given)
    }
  }

  #refusal(name: string): Error {
    const syscall = name.replace('Sync', '')
    return Object.assign(new Error(`${this.#failure}: refused, ${syscall}`), { code: this.#failure, syscall })
  }
}
