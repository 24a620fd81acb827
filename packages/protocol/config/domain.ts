/** Whether `name` is `domain` or lies under it. Both in lower case. */
export function isWithinDomain(name: string, domain: string): boolean {
  return name === domain || name.endsWith(`.${domain}`)
}
