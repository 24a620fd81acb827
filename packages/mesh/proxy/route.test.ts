import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { atEnd } from '@datapunk/testkit'
import { parsePlace, placeText } from '../place.ts'
import { type Permissions, parseProgram, type Route, refuseExposed, routeText } from './route.ts'

describe('a place', () => {
  for (const text of ['127.0.0.1:6379', '[::1]:443', 'localhost:0', 'unix:/run/redis/redis.sock']) {
    test(`${text} is one`, () => assert.equal(placeText(parsePlace(text)), text))
  }
  for (const text of ['', '6379', ':6379', 'lake', 'lake:', '::1:443', 'lake:65536', 'unix:here', 'a b:1']) {
    test(`${JSON.stringify(text)} is none`, () =>
      assert.throws(() => parsePlace(text), { code: 'PLACE_INVALID', message: /allowed: HOST:PORT/ }))
  }
})

describe('a program', () => {
  const places = [
    '127.0.0.1:80',
    'unix:/run/app.sock',
    'http://127.0.0.1:80',
    'http://[::1]:80',
    'http+unix:/run/app.sock',
    'h2c://127.0.0.1:80',
    'h2c+unix:/run/app.sock',
  ]
  for (const text of places) {
    test(`${text} is one`, () => {
      const program = parseProgram(text)
      const at = parsePlace('0.0.0.0:8443')
      assert.equal(routeText({ way: 'serve', at, ...program }), `serve 0.0.0.0:8443 → ${text}`)
      const protocol = text.startsWith('h2c') ? 'h2' : text.startsWith('http') ? 'http/1.1' : undefined
      assert.equal(program.protocol, protocol)
    })
  }
  for (const text of [
    'https://127.0.0.1:80',
    'http://127.0.0.1',
    'http://127.0.0.1:80/path',
    'http:/run/app.sock',
    'h2://127.0.0.1:80',
  ]) {
    test(`${text} is none`, () => assert.throws(() => parseProgram(text), { code: 'PLACE_INVALID' }))
  }
})

describe('a route', () => {
  const call = (at: string): Route => ({
    way: 'call',
    at: parsePlace(at),
    to: { host: 'lake', port: undefined },
  })
  const serve = (to: string): Route => ({ way: 'serve', at: parsePlace('0.0.0.0:8443'), to: parsePlace(to) })
  const exposed = (route: Route, flag: RegExp, permission: Permissions) => {
    assert.throws(() => refuseExposed(route, {}), { code: 'PLACE_EXPOSED', message: flag })
    refuseExposed(route, permission)
  }

  for (const place of ['127.0.0.1:1', '127.9.9.9:1', '[::1]:1', 'localhost:1', 'unix:/run/lake.sock']) {
    test(`from and to ${place} stays on this machine`, () => {
      refuseExposed(call(place), {})
      refuseExposed(serve(place), {})
    })
  }
  for (const place of [
    '0.0.0.0:1',
    '[::]:1',
    '10.0.0.1:1',
    '[::ffff:10.0.0.1]:1',
    'db.internal:1',
    '127.0.0.1.evil:1',
  ]) {
    test(`from and to ${place} is exposed, unless that is typed out`, () => {
      exposed(call(place), /--lend-identity/, { lendIdentity: true })
      exposed(serve(place), /--send-plain/, { sendPlain: true })
    })
  }

  test('to or from a socket that anyone can put there is exposed', (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'proxy-'))
    atEnd(t, () => rmSync(folder, { recursive: true }))
    const socket = `unix:${folder}/not/yet/there.sock`
    for (const route of [serve(socket), call(socket)]) {
      chmodSync(folder, 0o700)
      refuseExposed(route, {})
      chmodSync(folder, 0o1777)
      exposed(route, /chmod o-w/, { sendPlain: true })
    }
  })
})
