import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { ConsoleVisit, closeBrowser } from './console-visit.ts'

after(closeBrowser)

const focused = (visit: ConsoleVisit) =>
  visit.page.evaluate<string>('document.activeElement.dataset.service ?? document.activeElement.id')

describe('the map', () => {
  test('shows services, and who calls whom over how many connections', async (context) => {
    const visit = await ConsoleVisit.begin(context)
    await visit.service('lake').waitFor()
    for (const name of ['lake, good, 1 instance', 'nexus, good, 2 instances', 'stream, good, 1 instance'])
      await visit.page.getByRole('button', { name: `${name}, enforces 1.42`, exact: true }).waitFor()
    const { count } = visit.mesh.links.find(({ caller, callee }) => caller === 'nexus' && callee === 'lake')!
    assert.equal(await visit.count('nexus', 'lake').textContent(), String(count))
    assert.deepEqual(visit.complaints, [])
  })

  test('follows the mesh without reloading', async (context) => {
    const visit = await ConsoleVisit.begin(context)
    await visit.service('lake').waitFor()
    visit.mesh.services.get('lake')!.trouble = 'no valid certificate'
    visit.mesh.links = visit.mesh.links.map((link) => ({ ...link, count: 7000 }))
    visit.mesh.publish('stream')
    await visit.page.getByRole('button', { name: 'lake, bad, 1 instance, enforces 1.43' }).waitFor()
    await visit.page.getByRole('button', { name: 'stream, warning, 1 instance, enforces 1.42' }).waitFor()
    await visit.page.locator('[data-label="nexus lake"]', { hasText: '7000' }).waitFor()
    await visit.panel.getByText('no valid certificate').waitFor()
    assert.equal(await visit.page.title(), '1 bad · service.datapunk')
    assert.equal(visit.requests.filter((url) => url === visit.url).length, 1)
  })

  test('tells of a service that is clicked everything there is', async (context) => {
    const visit = await ConsoleVisit.begin(context)
    await visit.service('nexus').click()
    const { panel } = visit
    await panel.getByRole('heading', { name: 'nexus' }).waitFor()
    for (const title of ['Instances', 'Certificates', 'Pins', 'Peers', 'Connections'])
      await panel.getByRole('heading', { name: title }).waitFor()
    await panel.getByText('spiffe://service.datapunk/nexus').waitFor()
    await panel.getByRole('img', { name: /certificates are valid/ }).waitFor()
    assert.equal(await panel.locator('.certificates li').count(), 4)
    assert.equal(await panel.locator('.pins li').count(), 4)
    await panel.getByRole('button', { name: 'lake', exact: true }).click()
    await panel.getByRole('heading', { name: 'lake' }).waitFor()
    await panel.getByText('called by').first().waitFor()
    assert.deepEqual(visit.complaints, [])
  })

  test('can be used by the keyboard alone', async (context) => {
    const visit = await ConsoleVisit.begin(context)
    const { page } = visit
    await visit.service('lake').waitFor()
    await page.keyboard.press('/')
    assert.equal(await focused(visit), 'find')
    await page.keyboard.press('Tab')
    assert.equal(await focused(visit), 'lake')
    await page.keyboard.press('ArrowLeft')
    assert.equal(await focused(visit), 'stream')
    await page.keyboard.press('ArrowLeft')
    assert.equal(await focused(visit), 'nexus')
    await page.keyboard.press('Enter')
    await visit.panel.getByRole('heading', { name: 'nexus' }).waitFor()
    assert.equal(await focused(visit), 'panel-title')
    await page.keyboard.press('Escape')
    await visit.panel.getByRole('heading', { name: 'Overview' }).waitFor()
    assert.equal(await focused(visit), 'nexus')
  })

  test('finds services by a part of their name, and by state', async (context) => {
    const visit = await ConsoleVisit.begin(context, {
      services: 100,
      prepare: (mesh) => mesh.publish('auth-3'),
    })
    const names = () =>
      visit.page.locator('.map [data-service]').evaluateAll((all) => all.map((one) => one.title))
    await visit.page.getByRole('searchbox').fill('lake')
    await visit.service('lake-2').waitFor()
    assert.deepEqual(await names(), ['lake', 'lake-2', 'lake-3'])
    await visit.page.getByRole('searchbox').fill('')
    await visit.page.getByRole('button', { name: '1 warning' }).click()
    await visit.service('lake').waitFor({ state: 'detached' })
    assert.deepEqual(await names(), ['auth'])
    await visit.page.getByRole('button', { name: '1 warning' }).click()
    await visit.service('lake').waitFor()
  })

  test('of a thousand services draws anew only what changed', async (context) => {
    const visit = await ConsoleVisit.begin(context, { services: 1000 })
    await visit.service('lake').waitFor()
    assert.equal(await visit.page.locator('.map [data-service]').count(), 1000)
    await visit.page.evaluate(`
      window.touched = new Set()
      new MutationObserver((all) => {
        for (const { target } of all) touched.add((target.closest ?? target.parentElement.closest).call(target.closest ? target : target.parentElement, '[data-service]')?.dataset.service)
      }).observe(document.querySelector('.map'), { subtree: true, childList: true, attributes: true, characterData: true })
    `)
    visit.mesh.services.get('lake')!.trouble = 'no valid certificate'
    visit.mesh.show()
    await visit.page.getByRole('button', { name: /^lake, bad/ }).waitFor()
    assert.deepEqual(await visit.page.evaluate('[...touched]'), ['lake'])
    await visit.service('lake').hover()
    assert.ok((await visit.page.locator('.cell-lines path').count()) > 5)
  })

  test('is told in words where there is nothing yet', async (context) => {
    const visit = await ConsoleVisit.begin(context, { services: 0 })
    await visit.page.getByText('No services yet.').waitFor()
    await visit.section.getByText('Nothing is due.').waitFor()
    await visit.tab('Revocations').click()
    await visit.section.getByText('Nothing was ever revoked.').waitFor()
    await visit.tab('Log').click()
    await visit.section.getByText('There is no log, or nothing in it.').waitFor()
    await visit.tab('Events').click()
    await visit.section.getByText('Nothing has happened').waitFor()
  })

  for (const width of [320, 390, 768]) {
    test(`fits a screen ${width} pixels wide`, async (context) => {
      const visit = await ConsoleVisit.begin(context, { viewport: { width, height: 800 } })
      await visit.service('nexus').click()
      await visit.panel.getByRole('heading', { name: 'Certificates' }).waitFor()
      for (const name of ['Due', 'Roll-over', 'Revocations', 'Log', 'Audit', 'Events']) {
        await visit.tab(name).click()
        await visit.section.waitFor()
        assert.equal(await visit.page.evaluate('document.documentElement.scrollWidth'), width, name)
      }
    })
  }
})
