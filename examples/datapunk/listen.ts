import type { AddressInfo, Server } from 'node:net'

interface Closable extends Server {
  closeIdleConnections?(): void
}

/**
 * @param place host and port; port 0 is any that is free
 * @param setting what to change where the place is taken, for the message
 * @returns where it listens now, `host:port`
 * @throws Error that says who can't listen where
 */
export function listen(
  server: Server,
  place: { host?: string; port: number },
  setting: string,
): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  server.once('error', (error) => reject(cannotListen(error, place, setting)))
  server.listen(place, () => resolve(textOf(server.address() as AddressInfo)))
  return promise
}

/** Takes no new connection and ends those at rest; resolves when the requests under way are answered. */
export function close(server: Closable): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  server.close(() => resolve())
  server.closeIdleConnections?.()
  return promise
}

function textOf({ address, family, port }: AddressInfo): string {
  return family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`
}

function cannotListen(
  cause: NodeJS.ErrnoException,
  place: { host?: string; port: number },
  setting: string,
): Error {
  const where = `${place.host ?? '*'}:${place.port}`
  const reason = cause.code === 'EADDRINUSE' ? 'in use by another process' : `not to be had (${cause.code})`
  return new Error(
    `found ${where} ${reason}; allowed: a free port: stop what listens there, or change ${setting}`,
    {
      cause,
    },
  )
}
