import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseConfig } from '@datapunk/protocol'
import { atEnd, FixedClock } from '@datapunk/testkit'
import type { ApplyReport } from './applying/apply.ts'
import { keep, LONGEST_WAIT } from './keep.ts'
import { clock, configIn, openAuthority, temporaryFolder } from './testing/test-authority.ts'
import { Pace } from './timing/pace.ts'

const DAY = 24 * 60 * 60 * 1000

const config = parseConfig('services: { lake: {} }', { file: 'mtls-config.yaml' })
const wait = { stage: 're-issue', slot: 'issuing-ca-1', late: [], until: undefined } as const

interface Look {
  /** Milliseconds by the clock. */
  readonly takes: number
  readonly for: ApplyReport['waits']
  readonly keysWait?: boolean
  readonly failed?: ApplyReport['failed']
}

/** What `wait` is called with after each of them. */
async function waits(looks: readonly Look[]) {
  const clock = new FixedClock(1_000_000)
  const found: { until: number; heedPeersFrom: number | undefined }[] = []
  const ending = new AbortController()
  const authority = {
    configure: () => {},
    notConfigured: () => {},
    lookAtOutage: () => {},
    apply: async (): Promise<ApplyReport> => {
      const look = looks[found.length]!
      clock.advance(look.takes)
      const nothing = { done: [], declined: [], asks: [], putOff: 0, bundle: '1.1' }
      const { for: waits, keysWait = false, failed = [] } = look
      return { ...nothing, waits, keysWait, failed, nextDue: Number.POSITIVE_INFINITY }
    },
  }
  await keep({
    ...{ authority, loadConfig: () => config, clock: clock.now, pace: new Pace(clock.now) },
    wait: async (until, heedPeersFrom) => {
      const since = (time: number) => time - clock.now()
      found.push({ until: since(until), heedPeersFrom: heedPeersFrom && since(heedPeersFrom) })
      if (found.length === looks.length) ending.abort()
    },
    ...{ signal: ending.signal, onApplied: () => {} },
    onError: (error) => assert.fail(String(error)),
  })
  return found
}

test('where nobody is waited for, peers wake nobody', async () => {
  assert.deepEqual(await waits([{ takes: 400, for: [] }]), [
    { until: LONGEST_WAIT, heedPeersFrom: undefined },
  ])
})

test('certificates that wait until peers know their keys come when they do', async () => {
  assert.deepEqual(await waits([{ takes: 0, for: [], keysWait: true }]), [
    { until: LONGEST_WAIT, heedPeersFrom: 0 },
  ])
})

test('looking again because somebody was heard of takes a tenth of the time at most, and never makes it wait longer', async () => {
  const found = await waits([
    { takes: 0, for: [wait] },
    { takes: 400, for: [wait] },
    { takes: LONGEST_WAIT, for: [wait] },
    // The clock was set back meanwhile.
    { takes: -10_000, for: [wait] },
  ])
  assert.deepEqual(
    found.map(({ heedPeersFrom }) => heedPeersFrom),
    [0, 3_600, LONGEST_WAIT, 0],
  )
})

test('a step of a roll-over that failed is tried again in a minute', async () => {
  const step = { kind: 'publish-lists', slots: ['root-1'], reason: 'one is due' } as const
  const action = { ...step, subject: 'mesh', safety: 'safe' } as const
  const failed = [{ action, error: new Error('the key can not be opened') }]
  assert.deepEqual(
    (await waits([{ takes: 0, for: [], failed }])).map(({ until }) => until),
    [60_000],
  )
})

test('does what is safe by itself, shows the rest, and survives a broken config', async () => {
  const dir = temporaryFolder()
  const authority = await openAuthority(configIn(dir, { lake: {}, stream: {} }))
  const configs = [
    () => configIn(dir, { lake: {}, stream: {} }),
    () => parseConfig('services: {', { file: 'mtls-config.yaml' }),
    () => configIn(dir, { lake: {}, nexus: {} }),
    () => configIn(dir, { lake: {}, nexus: {} }),
  ]
  const ending = new AbortController()
  const told: string[] = []
  let round = 0
  await keep({
    authority,
    loadConfig: () => configs[round]!(),
    clock: Date.now,
    pace: new Pace(Date.now),
    wait: async () => {
      if (++round === configs.length) ending.abort()
    },
    signal: ending.signal,
    onApplied: ({ declined }) => told.push(`applied, ${declined.length} waiting`),
    onError: (error) => told.push((error as Error).name),
  })
  assert.deepEqual(told, ['applied, 0 waiting', 'ConfigError', 'applied, 1 waiting'])
  const services = (await authority.status()).services.map(({ service }) => service)
  assert.deepEqual(services, ['lake', 'nexus', 'stream'])
  await authority.close()
})

test('that the config file can’t be followed is a fault until it can', async (t) => {
  const dir = temporaryFolder()
  const config = configIn(dir, { lake: {} })
  const authority = await openAuthority(config)
  atEnd(t, () => authority.close())
  await authority.servePeers()
  const configs = [
    () => config,
    () => configIn(dir, { lake: {} }, {}),
    () => config,
    () => parseConfig('services: {', { file: 'mtls-config.yaml' }),
    () => config,
  ]
  const ending = new AbortController()
  const found: string[][] = []
  await keep({
    ...{ authority, clock: Date.now, pace: new Pace(Date.now), signal: ending.signal },
    loadConfig: () => configs[found.length]!(),
    wait: async () => {
      const { fault } = await authority.status()
      found.push([authority.fault, fault].map((text) => /another \S+|:1:\d+/.exec(text ?? '')?.[0] ?? ''))
      if (found.length === configs.length) ending.abort()
    },
    onApplied: () => {},
    onError: () => {},
  })
  const place = 'another authority.store_ca_keys_in_clear'
  assert.deepEqual(found, [
    ['', ''],
    [place, place],
    ['', ''],
    [':1:12', ':1:12'],
    ['', ''],
  ])
})

test('what is due is done under the last good config while the file has faults', async (t) => {
  const dir = temporaryFolder()
  const authority = await openAuthority(configIn(dir, { lake: {} }))
  atEnd(t, () => authority.close())
  const configs = [
    () => configIn(dir, { lake: {} }),
    () => parseConfig('services: {', { file: 'mtls-config.yaml' }),
    () => parseConfig('services: {', { file: 'mtls-config.yaml' }),
  ]
  const ending = new AbortController()
  const bundles: string[] = []
  const failed: unknown[] = []
  await keep({
    ...{ authority, clock: clock.now, pace: new Pace(clock.now), signal: ending.signal },
    loadConfig: () => configs[bundles.length]!(),
    wait: async () => {
      bundles.push((await authority.status()).bundle ?? '')
      clock.advance(2 * DAY)
      if (bundles.length === configs.length) ending.abort()
    },
    onApplied: () => {},
    onError: () => {},
    onLooked: (error) => failed.push(error instanceof Error && error.name),
  })
  assert.deepEqual(bundles, ['1.2', '1.3', '1.4'])
  assert.deepEqual(failed, [false, 'ConfigError', 'ConfigError'])
})
