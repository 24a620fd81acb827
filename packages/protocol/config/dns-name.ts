const LABEL = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/

/** A DNS name in preferred syntax and lower case, without wildcard or trailing dot (RFC 1034 3.5, RFC 5280 4.2.1.6). */
export function isDnsName(value: string): boolean {
  if (value.length < 1 || value.length > 253) return false
  const labels = value.split('.')
  return labels.every((label) => LABEL.test(label)) && !/^[0-9]+$/.test(labels.at(-1) ?? '')
}

/** Whether `name` is `domain` or lies under it. Both in lower case. */
export function isWithinDomain(name: string, domain: string): boolean {
  return name === domain || name.endsWith(`.${domain}`)
}
