import type { ConsoleProof } from '@datapunk/protocol/console'
import { PageError } from './page-error.ts'
import type { Asked } from './page-state.ts'
import type { ProofCheck } from './proof/proof.ts'

export type RestOfPage = typeof import('./rest-of-page.ts')

/** Loads what the first view does without, once; a failed load is none. */
export class RestLoader {
  #loaded: RestOfPage | undefined

  /** @throws PageError `CONSOLE_UNREACHABLE` */
  readonly load = async (): Promise<true> => {
    await this.#rest()
    return true
  }

  /** Follows a proof by this browser's own crypto. @throws PageError `CONSOLE_UNREACHABLE` */
  readonly checkProof = async (proof: ConsoleProof, serial: string): Promise<ProofCheck> => {
    const { checkProof, webCrypto } = await this.#rest()
    return checkProof(proof, serial, webCrypto)
  }

  /** @param isLoaded as the state of the page has it */
  asked(isLoaded: Asked<true>): Asked<RestOfPage> {
    if (isLoaded.kind === 'asking') return { kind: 'asking', before: this.#loaded }
    if (isLoaded.kind !== 'here') return isLoaded
    return this.#loaded === undefined ? { kind: 'nothing' } : { kind: 'here', value: this.#loaded }
  }

  async #rest(): Promise<RestOfPage> {
    try {
      this.#loaded ??= await import('./rest-of-page.ts')
      return this.#loaded
    } catch (cause) {
      throw new PageError('CONSOLE_UNREACHABLE', 'The rest of the page did not load. It is tried again.', {
        cause,
      })
    }
  }
}
