import { PageError } from './page-error.ts'

export type RestOfPage = typeof import('./rest-of-page.ts')

/** Loads the rest of the page, once; a failed load is none. @throws PageError `CONSOLE_UNREACHABLE` */
export async function loadRest(): Promise<RestOfPage> {
  try {
    return await import('./rest-of-page.ts')
  } catch (cause) {
    throw new PageError('CONSOLE_UNREACHABLE', 'The rest of the page did not load. It is tried again.', {
      cause,
    })
  }
}
