/** The name of a fact as people read it: `extendedKeyUsage` is shown as `extended key usage`. */
export function labelText(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
}
