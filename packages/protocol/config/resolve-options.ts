/** What `resolveConfig` is told besides the text. */
export interface ResolveOptions {
  readonly file: string
  readonly environment: string | undefined
  /** Whether the file names any services, also where none of their names will do. */
  readonly namesServices: boolean
  /** Makes a path of the file absolute. */
  readonly path: (path: string) => string
  /** Told of every rule between values that does not hold. */
  readonly problem: (path: readonly string[], message: string, of?: 'key' | 'value') => void
}
