/** A function that gives its last result again while its arguments are the same. */
export function lastResult<Arguments extends readonly unknown[], Result>(
  compute: (...args: Arguments) => Result,
): (...args: Arguments) => Result {
  let last: { readonly args: Arguments; readonly result: Result } | undefined
  return (...args) => {
    if (last === undefined || args.some((argument, at) => argument !== last?.args[at]))
      last = { args, result: compute(...args) }
    return last.result
  }
}
