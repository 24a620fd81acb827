import assert from 'node:assert/strict'
import { userInfo } from 'node:os'
import { test } from 'node:test'
import { parsePostgresUrl } from './postgres-url.ts'

const files = { cert: '/certs/db.crt', key: '/certs/db.key', caCert: '/certs/ca.crt' }
const user = userInfo().username

const forms = {
  'postgres://': { host: 'localhost', port: 5432, user, database: 'postgres', tls: files },
  'postgresql://op@db.example:5433/app': {
    host: 'db.example',
    port: 5433,
    user: 'op',
    database: 'app',
    tls: files,
  },
  'postgres://op:a%40b%2F@h/a%20b': { host: 'h', user: 'op', password: 'a@b/', database: 'a b' },
  'postgres://op:a@b@h': { host: 'h', user: 'op', password: 'a@b' },
  'postgres://[::1]:5433': { host: '::1', port: 5433 },
  'postgres://h?sslmode=disable': { host: 'h', tls: undefined },
  'postgres://h?sslmode=verify-full&sslkey=/k': { host: 'h', tls: { ...files, key: '/k' } },
  'postgres:///app?host=/run/postgresql&user=op': {
    host: '/run/postgresql',
    user: 'op',
    database: 'app',
    tls: undefined,
  },
  'postgres://op:p@/app?host=/run/pg&port=5433': {
    host: '/run/pg',
    port: 5433,
    user: 'op',
    password: 'p',
    database: 'app',
  },
  'postgres://%2Frun%2Fpg/?dbname=app': {
    host: '/run/pg',
    port: 5432,
    user,
    database: 'app',
    tls: undefined,
  },
}

for (const [url, wanted] of Object.entries(forms)) {
  test(url, () => assert.partialDeepStrictEqual(parsePostgresUrl(url, files), wanted))
}
