import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TestCa } from '@datapunk/testkit'
import { serviceOf } from './entries.ts'

test('a certificate is listed by whom it speaks for, and a terminal obeys nothing in it', async () => {
  const ca = await TestCa.create()
  assert.equal(serviceOf((await ca.leaf('lake')).certificate), 'lake')
  const { certificate } = await ca.leaf('lake', {
    subject: { commonName: 'x\u001b[2K\u001b[1A\ny' },
    extensions: { subjectAltName: null },
  })
  assert.equal(serviceOf(certificate), 'x y')
})
