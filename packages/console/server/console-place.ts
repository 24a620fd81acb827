import { hostText } from '@datapunk/protocol'

/** Where the console is, as a browser names it. */
export interface ConsolePlace {
  readonly scheme: 'http' | 'https'
  /** Values of the `host` header under which it may be asked, its own first: `127.0.0.1:7483`. */
  readonly hosts: ReadonlySet<string>
}

/** Browsers leave it out. */
const USUAL_PORTS = { http: 80, https: 443 } as const

/** On this machine alone: the names under which it is reached by itself. */
export function placeHere(host: string, port: number): ConsolePlace {
  return placeOf('http', [hostText(host), 'localhost', '127.0.0.1', '[::1]'], port)
}

/** @param names DNS names, its own first */
export function placeElsewhere(names: readonly string[], port: number): ConsolePlace {
  return placeOf('https', names, port)
}

/** As it is typed into a browser: `https://authority.service.datapunk:7483`. */
export function urlOf({ scheme, hosts }: ConsolePlace): string {
  const [own] = hosts
  return `${scheme}://${own}`
}

function placeOf(scheme: ConsolePlace['scheme'], names: readonly string[], port: number): ConsolePlace {
  const isUsual = port === USUAL_PORTS[scheme]
  return { scheme, hosts: new Set(names.map((name) => (isUsual ? name : `${name}:${port}`))) }
}
