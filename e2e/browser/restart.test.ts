import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { askConsoleLink } from '@datapunk/authority'
import { type Browser, chromium, type Page } from 'playwright-core'
import type { Child } from '../child.ts'
import { MeshFolder } from '../mesh-folder.ts'
import { mtls, startMtls } from '../mtls.ts'
import { launchOptions, WAIT } from './console-visit.ts'

let browser: Browser
let mesh: MeshFolder
let up: Child

before(async () => {
  mesh = MeshFolder.planned({ services: { lake: {}, nexus: {} } })
  browser = await chromium.launch(launchOptions)
})

after(async () => {
  await browser.close()
  await up.stop()
  mesh.remove()
})

/** `mtls up`, until it serves its console. @param services beside lake and nexus @returns the port of the console */
async function start(port: number, services: Readonly<Record<string, object>> = {}): Promise<number> {
  const authority = { store_ca_keys_in_clear: true, http: 'none', metrics: 'none' }
  mesh.write({
    services: { lake: {}, nexus: {}, ...services },
    authority: { ...authority, console: `127.0.0.1:${port}` },
  })
  up = startMtls(['up', '--config', mesh.configFile])
  const [, url = ''] = await up.says(/console served\s+url (\S+)/)
  await up.says(/ready:/)
  return Number(new URL(url).port)
}

/** As `mtls console` prints it on a terminal. */
async function link(): Promise<string> {
  const asked = { readOnly: false }
  const { url } = await askConsoleLink(mesh.layout.authority.adminSocket, asked, { purpose: 'console' })
  return url
}

/** What a page that is loaded again would have lost, or would have asked for. */
function watched(page: Page) {
  const logins: string[] = []
  page.on('request', (request) => {
    if (request.method() === 'POST' && request.url().endsWith('/api/session')) logins.push(request.url())
  })
  return {
    logins,
    mark: () => page.evaluate('globalThis.isSameDocument = true'),
    isSame: () => page.evaluate<boolean>('globalThis.isSameDocument === true'),
    session: () => page.evaluate<string | null>("sessionStorage.getItem('session')"),
  }
}

test('an open page outlives the authority that is killed, and goes on with the next in the same session', async () => {
  const port = await start(0)
  const page = await browser.newPage()
  page.setDefaultTimeout(WAIT)
  const { logins, mark, isSame, session } = watched(page)
  const standing = page.locator('[data-standing]')
  await page.goto(await link())
  await standing.getByText('live', { exact: true }).waitFor()
  await page.getByRole('button', { name: /^nexus, quiet/ }).waitFor()
  await mark()
  const before = await session()

  up.signal('SIGKILL')
  await standing.getByText('reconnecting').waitFor()
  await page.getByText('What is shown is what it said last').waitFor()
  // The process that served the page ends with it: nobody else has its port, or speaks for it.
  await up.ended
  const revoke = ['revoke', 'nexus', '--reason', 'key-compromise', '--yes', '--config', mesh.configFile]
  const { code, stderr } = await mtls(revoke)
  assert.equal(code, 0, stderr)

  await start(port, { vault: {} })
  await standing.getByText(/^live again, after/).waitFor()
  await page.getByRole('button', { name: /^nexus, bad/ }).waitFor()
  await page.getByRole('button', { name: /^vault, / }).waitFor()
  await page.getByRole('tab', { name: 'Revocations' }).click()
  await page.getByRole('row', { name: /nexus .* key-compromise/ }).waitFor()
  assert.ok(await isSame())
  assert.equal(await session(), before)
  assert.equal(logins.length, 1)
})
