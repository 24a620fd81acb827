import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import { type ConsoleEntrance, type ConsoleServer, Sessions, serveConsole } from '@datapunk/console'
import { TestCa, type TestIdentity, testExtension } from '@datapunk/testkit'
import { type Browser, chromium, type Page } from 'playwright-core'
import { FakeMesh } from '../../packages/console/testing/fake-mesh.ts'
import { launchOptions, WAIT } from './console-visit.ts'

let browser: Browser
let ca: TestCa
let alice: TestIdentity
let server: ConsoleServer

before(async () => {
  ca = await TestCa.create({ at: Date.now() })
  alice = await ca.operator('alice')
  const names = testExtension.subjectAltName({
    dnsNames: ['localhost'],
    uris: ['spiffe://service.datapunk/authority/console'],
    ipAddresses: [],
  })
  const { pem, keyPem } = await ca.leaf('authority', { extensions: { subjectAltName: names } })
  const entrance: ConsoleEntrance = {
    names: ['localhost'],
    pair: () => ({ cert: pem + ca.issuing.pem, key: keyPem, ca: ca.root.pem + ca.issuing.pem }),
    visitor: ({ leaf }) =>
      leaf !== undefined && Buffer.compare(leaf, alice.der) === 0
        ? { operator: 'alice', readOnly: false }
        : undefined,
  }
  const sessions = new Sessions({ clock: Date.now, randomBytes })
  const source = new FakeMesh({ services: 3, clock: Date.now })
  server = await serveConsole({ source, sessions, clock: Date.now, entrance, host: '127.0.0.1', port: 0 })
  browser = await chromium.launch(launchOptions)
})

after(async () => {
  await browser.close()
  await server.close()
})

/** A browser that has the operator's certificate, and trusts whoever it calls. */
async function visit(): Promise<Page> {
  const { origin } = new URL(server.url)
  const window = await browser.newContext({
    ignoreHTTPSErrors: true,
    clientCertificates: [{ origin, cert: Buffer.from(ca.chainPem(alice)), key: Buffer.from(alice.keyPem) }],
  })
  const page = await window.newPage()
  page.setDefaultTimeout(WAIT)
  await page.goto(server.url)
  return page
}

describe('an operator, with a browser', () => {
  test('comes in by the certificate, and again after logging out when the page is loaded', async () => {
    const page = await visit()
    const lake = page.locator('.map [data-service="lake"]')
    await lake.waitFor()
    await page.getByRole('button', { name: 'Log out' }).click()
    await page.getByRole('heading', { name: 'Your certificate lets you in' }).waitFor()
    assert.equal(await lake.count(), 0)
    await page.reload()
    await lake.waitFor()
    await page.context().close()
  })
})
