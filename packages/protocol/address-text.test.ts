import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { addressText, hostText, plainAddress, remoteText } from './address-text.ts'
import { splitAddress } from './config/text.ts'

describe('host and port as a text', () => {
  for (const [host, text] of [
    ['10.0.0.5', '10.0.0.5:8445'],
    ['lake.service.datapunk', 'lake.service.datapunk:8445'],
    ['fd00::5', '[fd00::5]:8445'],
    ['::', '[::]:8445'],
    ['fe80::1%eth0', '[fe80::1%eth0]:8445'],
  ] as const)
    test(text, () => {
      assert.equal(addressText(host, 8445), text)
      assert.equal(hostText(host), text.slice(0, -':8445'.length))
    })

  test('is what the config file takes', () => {
    for (const host of ['10.0.0.5', 'lake.service.datapunk', 'fd00::5'])
      assert.deepEqual(splitAddress(addressText(host, 8445)), { host, port: 8445 })
  })
})

describe('the other end of a socket', () => {
  for (const [remoteAddress, text] of [
    ['10.0.0.7', '10.0.0.7:50123'],
    ['::ffff:10.0.0.7', '10.0.0.7:50123'],
    ['::1', '[::1]:50123'],
    ['fd00::7', '[fd00::7]:50123'],
  ] as const)
    test(text, () => assert.equal(remoteText({ remoteAddress, remotePort: 50_123 }), text))

  test('is not known once it is closed', () => {
    assert.equal(remoteText({}), undefined)
    assert.equal(remoteText({ remoteAddress: undefined, remotePort: undefined }), undefined)
  })

  test('has the address that it would have by itself', () => {
    assert.equal(plainAddress('::ffff:127.0.0.1'), '127.0.0.1')
    assert.equal(plainAddress('::1'), '::1')
  })
})
