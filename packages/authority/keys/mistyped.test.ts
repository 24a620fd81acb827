import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { atEnd, FixedClock } from '@datapunk/testkit'
import { apply } from '../applying/apply.ts'
import type { Engine } from '../engine/engine.ts'
import { revoke } from '../revocation/revoke.ts'
import { rotate } from '../rotation/rotate.ts'
import { sealing, testEngine } from '../testing/test-engine.ts'

const no = { approve: () => false }

const moved = { services: { lake: { ip_addresses: ['192.0.2.9'] } } }
const ofIssuingCa = ({ store }: Engine) => ({
  targets: [{ serial: store.issuedOf('issuing-ca')[0]!.serial }],
  reason: 'ca-compromise' as const,
})

/** What makes CA or bundle keys. */
const deeds: Readonly<Record<string, (engine: Engine) => Promise<unknown>>> = {
  'an apply that needs another issuing CA': (engine) => apply(engine, no),
  'rotate --bundle-key': (engine) => rotate(engine, { what: 'bundle-key', without: [] }),
  'rotate --root-ca': (engine) => rotate(engine, { what: 'root', without: [] }),
  'compromise --bundle-key': (engine) => rotate(engine, { what: 'compromised', kind: 'bundle-key' }),
  'compromise --issuing-ca': (engine) => rotate(engine, { what: 'compromised', kind: 'issuing-ca' }),
  'compromise --root-ca': (engine) => rotate(engine, { what: 'compromised', kind: 'root' }),
  'compromise --log': (engine) => rotate(engine, { what: 'compromised', kind: 'log' }),
  'revoke of an issuing CA': (engine) => revoke(engine, ofIssuingCa(engine)),
}

for (const [what, act] of Object.entries(deeds)) {
  test(`${what}: with a mistyped passphrase no key is made, and with the right one it goes on`, async (t) => {
    const dir = mkdtempSync(join(tmpdir(), 'mistyped-'))
    atEnd(t, () => rmSync(dir, { recursive: true }))
    const clock = new FixedClock(Date.UTC(2026, 5, 1))
    const sealed = { authority: { store_ca_keys_in_clear: false } }
    const engine = sealing(
      testEngine({ dir, clock, config: { services: { lake: {} }, ...sealed } }),
      'a good passphrase',
    )
    await apply(engine, no)
    const { config } = testEngine({ dir, clock, config: { ...moved, ...sealed } })
    const later = act === deeds['an apply that needs another issuing CA'] ? { ...engine, config } : engine
    const standing = () => [later.store.slots(), [...later.store.revoked({ number: 0, time: 0 })]]
    const before = standing()
    await assert.rejects(act(sealing(later, 'god')), { code: 'PASSPHRASE_WRONG' })
    assert.deepEqual(standing(), before)

    const again = sealing(later, 'a good passphrase')
    await act(again)
    assert.deepEqual((await apply(again, no)).failed, [])
    for (const slot of later.store.slots())
      if (slot.kind !== 'log' && slot.state !== 'retired' && slot.state !== 'compromised')
        await sealing(later, 'a good passphrase').keys.open(slot)
    assert.notDeepEqual(later.store.slots(), before[0])
  })
}
