/** Aborted after so many milliseconds, or with the caller's own signal. */
export function endingOf(timeout: number, signal: AbortSignal | undefined): AbortSignal {
  const late = AbortSignal.timeout(timeout)
  return signal === undefined ? late : AbortSignal.any([late, signal])
}

/** @throws the reason of `ending` as soon as that is aborted; what `work` still does then is nobody's concern */
export async function before<T>(ending: AbortSignal, work: Promise<T>): Promise<T> {
  const ended = Promise.withResolvers<never>()
  const end = () => ended.reject(ending.reason)
  ending.addEventListener('abort', end, { once: true })
  if (ending.aborted) end()
  try {
    return await Promise.race([work, ended.promise])
  } finally {
    ending.removeEventListener('abort', end)
  }
}
