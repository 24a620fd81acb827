/**
 * What tells everything about a call between two services.
 *
 * @param caller undefined where nobody knows who that is: then there is nothing to ask
 */
export function whyCommand(caller: string | undefined, callee: string | undefined): string | undefined {
  return caller === undefined || callee === undefined ? undefined : `mtls why ${caller} ${callee}`
}

/** What mends it, and after that where to read on. */
export function withWhy(fix: string, why: string | undefined): string {
  return why === undefined ? fix : `${fix}; \`${why}\` tells every rule`
}
