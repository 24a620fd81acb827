/** Where a value lies in another: keys of objects, and numbers of lists. */
export type Path = readonly PropertyKey[]

/** Undefined where there is none. */
export function valueAt(value: unknown, path: Path): unknown {
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
    value = (value as Record<PropertyKey, unknown>)[key]
  }
  return value
}
