export type Column = Uint8Array<ArrayBuffer> | Uint32Array<ArrayBuffer> | Float64Array<ArrayBuffer>

/** Puts values into a column; one that is full goes on in one that is a quarter larger. @returns the one to go on with */
export function put<C extends Column>(column: C, at: number, values: ArrayLike<number>): C {
  const length = at + values.length
  const roomy = length <= column.length ? column : empty(column, Math.ceil(length * 1.25) + 64)
  if (roomy !== column) roomy.set(column)
  roomy.set(values, at)
  return roomy
}

function empty<C extends Column>(column: C, length: number): C {
  return new (column.constructor as new (length: number) => C)(length)
}
