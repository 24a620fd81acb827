import type { ReloadFiles } from '../engine/handover.ts'
import { asking } from './asking.ts'
import { before } from './ending.ts'
import type { ReloadOptions } from './reload-options.ts'
import { strictTls } from './strict-tls.ts'

/** Certificate, key and roots in one command: Redis takes them all or, when any is bad, none. */
export async function reloadRedis(url: string, files: ReloadFiles, options: ReloadOptions): Promise<void> {
  const question = { url, server: `Redis at ${placeOf(url)}`, remedy }
  await asking(question, options, (ending) => ask(url, files, options, ending))
}

async function ask(
  url: string,
  files: ReloadFiles,
  { clock }: ReloadOptions,
  ending: AbortSignal,
): Promise<void> {
  const { createClient } = await import('@redis/client')
  const common = { reconnectStrategy: false, signal: ending } as const
  const client = createClient({
    url,
    socket: url.startsWith('rediss:')
      ? { ...common, tls: true, ...strictTls(files, hostOf(url), clock) }
      : { ...common, tls: false, host: hostOf(url) },
    // Plain commands alone, which any user with the right to CONFIG SET may give.
    RESP: 2,
    disableClientInfo: true,
    maintNotifications: 'disabled',
  })
  // Whatever fails, fails what is waited for too.
  client.on('error', () => {})
  try {
    await before(ending, client.connect())
    await before(ending, client.sendCommand(['CONFIG', 'SET', ...settingsOf(files)]))
  } finally {
    client.destroy()
  }
}

function settingsOf({ cert, key, caCert }: ReloadFiles): string[] {
  return ['tls-cert-file', cert, 'tls-key-file', key, 'tls-ca-cert-file', caCert]
}

function hostOf(url: string): string {
  return (URL.parse(url)?.hostname ?? '').replace(/^\[(.*)\]$/, '$1')
}

/** Without user and password. */
function placeOf(url: string): string {
  const [, socket] = /^unix:\/\/(?:[^/]*@)?(\/[^?#]*)/.exec(url) ?? []
  return socket ?? `${hostOf(url)}:${URL.parse(url)?.port || 6379}`
}

/** By the first word of its refusal; https://redis.io/docs/latest/develop/reference/protocol-spec/#simple-errors */
function remedy({ message }: Error): string | undefined {
  const [kind = ''] = message.split(' ')
  if (/unknown|wrong number/i.test(message)) {
    return 'It takes Redis 7 or later, with CONFIG not renamed; with any other, let SETTING be a command that restarts it'
  }
  if (/^ERR .*\bAUTH\b/.test(message)) return refusals.WRONGPASS
  if (kind === 'ERR')
    return 'Its log says why: mostly, its user may not read the files (owner, group in the config)'
  return refusals[kind]
}

const refusals: Readonly<Record<string, string>> = {
  NOAUTH: 'Put user and password into SETTING, as in redis://USER:PASSWORD@HOST:PORT',
  NOPERM: 'Let this user of Redis do it: ACL SETUSER USER +config|set',
  WRONGPASS: 'Correct user and password in SETTING',
}
