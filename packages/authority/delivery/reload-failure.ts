import { AuthorityError } from '../error.ts'

interface Failure {
  /** What was found, as a part of a sentence. */
  readonly found: string
  /** What mends it, as a sentence without its full stop. */
  readonly fix: string
  /** What the other side said, last. */
  readonly said?: string
  readonly cause?: unknown
  readonly data?: Readonly<Record<string, unknown>>
}

export function reloadFailed(service: string, { found, fix, said, cause, data }: Failure): AuthorityError {
  const last = said === undefined || said === '' ? '' : `. It said:\n  ${said.replaceAll('\n', '\n  ')}`
  return new AuthorityError(
    'RELOAD_FAILED',
    `${service} was not told that its files have changed: ${found}. ${fix}${last}`,
    { cause, data: { ...data, service, setting: settingOf(service) } },
  )
}

/** Where the config says it. */
export function settingOf(service: string): string {
  return `services.${service}.reload`
}

export function secondsText(milliseconds: number): string {
  return `${milliseconds / 1000} s`
}
