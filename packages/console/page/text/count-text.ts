const format = new Intl.NumberFormat('en')

/** `61,346`. */
export function countText(count: number): string {
  return format.format(count)
}
