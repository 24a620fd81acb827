import { Socket } from 'node:net'
import { addressText } from '@datapunk/protocol'
import type { ReloadFiles } from '../engine/handover.ts'
import { asking } from './asking.ts'
import { before } from './ending.ts'
import { isSocket, type PostgresTarget, parsePostgresUrl } from './postgres-url.ts'
import { reloadFailed, settingOf } from './reload-failure.ts'
import type { ReloadOptions } from './reload-options.ts'
import { strictTls } from './strict-tls.ts'
import { type ShownError, secretsOf, shownError } from './url-secrets.ts'

/** `SELECT pg_reload_conf()`: true when the postmaster was told; it tells its log whether the files were good. */
export async function reloadPostgres(url: string, files: ReloadFiles, options: ReloadOptions): Promise<void> {
  const { service, clock } = options
  const target = targetOf(url, files, service)
  const server = isSocket(target.host)
    ? `PostgreSQL at ${target.host}/.s.PGSQL.${target.port}`
    : `PostgreSQL at ${addressText(target.host, target.port)}`
  const remedy = (error: ShownError) => remedyOf(error, target.user)
  await asking({ url, server, remedy }, options, async (ending) => {
    const ssl = target.tls === undefined ? false : strictTls(target.tls, target.host, clock)
    await ask(target, ssl, ending)
  })
}

function targetOf(url: string, files: ReloadFiles, service: string): PostgresTarget {
  try {
    return parsePostgresUrl(url, files)
  } catch (error) {
    const cause = shownError(error, secretsOf(url))
    const found = `its URL has ${cause.message}`
    throw reloadFailed(service, { found, fix: `Correct ${settingOf(service)}`, cause })
  }
}

async function ask(
  { host, port, user, password, database }: PostgresTarget,
  ssl: false | ReturnType<typeof strictTls>,
  ending: AbortSignal,
): Promise<void> {
  const { Client } = await import('pg')
  const socket = new Socket()
  const client = new Client({
    ...{ host, port, user, database, ssl, application_name: 'mtls' },
    // Said here, so that $PGSSLNEGOTIATION says nothing.
    ...{ sslnegotiation: 'postgres' },
    // As a function, so that neither the environment nor ~/.pgpass is asked.
    password: () => {
      if (password === undefined) throw new Error('it asks for a password, and its URL has none')
      return password
    },
    stream: () => socket,
  })
  // Whatever fails, fails what is waited for too.
  client.on('error', () => {})
  try {
    await before(ending, client.connect())
    const { rows } = await before(ending, client.query('SELECT pg_reload_conf() AS told'))
    if (rows[0]?.told !== true) throw new Error('pg_reload_conf() did not return true')
    // It was told, however long the farewell takes.
    await before(ending, client.end()).catch(() => {})
  } finally {
    socket.destroy()
  }
}

/** https://www.postgresql.org/docs/current/errcodes-appendix.html */
function remedyOf({ code = '', message }: ShownError, user: string): string | undefined {
  if (message.includes('does not support SSL')) {
    return 'Set ssl = on in postgresql.conf, or say sslmode=disable in SETTING'
  }
  const entry = `Correct user and password in SETTING, or let the user "${user}" in (pg_hba.conf, pg_ident.conf)`
  const remedies: Readonly<Record<string, string>> = {
    '28000': entry,
    '28P01': entry,
    '3D000': 'Correct the database in SETTING',
    '42501': `Run in that database: GRANT EXECUTE ON FUNCTION pg_reload_conf() TO "${user}"`,
  }
  return remedies[code]
}
