import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { ConsoleVisit, closeBrowser } from './console-visit.ts'

after(closeBrowser)

describe('what is shown', () => {
  test('is said to be old while the console is away, and true again after', async (context) => {
    const visit = await ConsoleVisit.begin(context)
    const standing = visit.page.locator('[data-standing]')
    await standing.getByText('live').waitFor()
    await visit.stopServer()
    await standing.getByText('reconnecting').waitFor()
    await visit.page.getByText('What is shown is what it said last').waitFor()
    assert.ok(await visit.service('lake').isVisible())
    visit.mesh.services.get('lake')!.trouble = 'no valid certificate'
    visit.mesh.show()
    await visit.startServer()
    await standing.getByText(/^live again, after/).waitFor()
    await visit.page.getByRole('button', { name: /^lake, bad/ }).waitFor()
    await visit.page
      .locator('#said')
      .getByText(/Live again, after/)
      .waitFor({ state: 'attached' })
  })

  test('is said to be old while the authority is away', async (context) => {
    const visit = await ConsoleVisit.begin(context)
    const standing = visit.page.locator('[data-standing]')
    await standing.getByText('live').waitFor()
    visit.mesh.authority(false)
    await standing.getByText('authority away').waitFor()
    await visit.page.getByText('The authority does not answer. What is shown is what it said last.').waitFor()
    visit.mesh.authority(true)
    await standing.getByText('live', { exact: true }).waitFor()
  })

  test('has what is wrong with the whole mesh first', async (context) => {
    const visit = await ConsoleVisit.begin(context)
    await visit.service('lake').waitFor()
    visit.mesh.faults = ['the keys are not protected; `mtls doctor` says how']
    visit.mesh.show()
    await visit.page.locator('.banner', { hasText: 'the keys are not protected' }).waitFor()
    await visit.page.locator('.banner code', { hasText: 'mtls doctor' }).waitFor()
  })

  test('has the stages of a roll-over, and who is late', async (context) => {
    const visit = await ConsoleVisit.begin(context)
    await visit.service('lake').waitFor()
    const until = Date.now() + 86_400_000
    const late = [{ instance: 'stream', reason: 'has not acknowledged it' }]
    visit.mesh.rolls = [{ slot: 'issuing-ca-2', stage: 're-issue', late, until }]
    visit.mesh.show()
    await visit.tab('Roll-over 1 waiting').click()
    const { section } = visit
    await section.getByText('3 of 4 live instances are ready').waitFor()
    assert.equal(await section.locator('[aria-current=step]').textContent(), 're-issue')
    await section.getByRole('row', { name: 'stream has not acknowledged it' }).waitFor()
    await section.getByRole('button', { name: 'stream' }).click()
    await visit.panel.getByRole('heading', { name: 'stream' }).waitFor()
  })

  test('has no stage for what waits to begin', async (context) => {
    const visit = await ConsoleVisit.begin(context)
    await visit.service('lake').waitFor()
    const late = [{ instance: 'lake-0badcafe', reason: 'has to ask for a new certificate' }]
    visit.mesh.rolls = [{ slot: 'issuing-ca', stage: 'prepare', late, until: null }]
    visit.mesh.show()
    await visit.tab('Roll-over 1 waiting').click()
    const { section } = visit
    await section
      .getByRole('row', { name: 'lake-0badcafe has to ask for a new certificate; not live' })
      .waitFor()
    await section.getByText('issuing-ca: the next one is made once another is dropped').waitFor()
    assert.equal(await section.locator('.stages').count(), 0)
  })
})

describe('what the first view does without', () => {
  const rest = '/page/rest-of-page.ts'
  /** Any of its modules: it loads with all of them, or not at all. */
  const part = '**/service-panel.ts'

  test('is loaded by itself, after what shows the mesh', async (context) => {
    const visit = await ConsoleVisit.begin(context)
    await visit.page.waitForResponse(part)
    const paths = visit.requests.map((url) => new URL(url).pathname)
    assert.ok(paths.indexOf(rest) > paths.indexOf('/api/stream'))
    assert.deepEqual(visit.complaints, [])
  })

  test('is told where it did not load, and loaded again', async (context) => {
    const visit = await ConsoleVisit.begin(context, { withLink: false })
    await visit.page.route(part, (route) => route.abort())
    await visit.page.goto('about:blank')
    await visit.page.goto(visit.link())
    await visit.tab('Events').click()
    await visit.section.getByText('The rest of the page did not load.').waitFor()
    await visit.service('lake').click()
    await visit.panel.getByText('The rest of the page did not load.').waitFor()
    await visit.page.unroute(part)
    await visit.panel.getByRole('heading', { name: 'lake' }).waitFor()
    assert.equal(await visit.page.evaluate('document.activeElement.id'), 'panel-title')
    await visit.section.getByText('Nothing has happened since').waitFor()
  })
})

describe('a proof', () => {
  test('is checked in the browser, step by step', async (context) => {
    const visit = await ConsoleVisit.begin(context, { services: 40 })
    await visit.tab('Log').click()
    await visit.section.getByRole('button', { name: 'Check entry 120' }).click()
    await visit.section.getByText('Proven:').waitFor()
    const steps = await visit.section.locator('.steps .what').allTextContents()
    assert.deepEqual(
      steps.map((step) => step.split(' ')[0]),
      ['Leaf', ...Array(7).fill('Level'), 'Root', 'Signature'],
    )
  })

  test('that does not hold is not proven, and the page says why', async (context) => {
    const visit = await ConsoleVisit.begin(context)
    const honest = visit.mesh.proof.bind(visit.mesh)
    visit.mesh.proof = async (serial) => {
      const proof = await honest(serial)
      return proof && { ...proof, proof: proof.proof.with(0, Buffer.alloc(32).toString('base64')) }
    }
    await visit.tab('Log').click()
    await visit.section.getByRole('button', { name: 'Check entry 3' }).click()
    await visit.section.getByText('Not proven:').waitFor()
    await visit.section.getByText('another root').waitFor()
  })

  test('can be asked for from a certificate', async (context) => {
    const visit = await ConsoleVisit.begin(context)
    await visit.service('lake').click()
    await visit.panel
      .getByRole('button', { name: /^Check the log/ })
      .first()
      .click()
    await visit.section.getByText('Proven:').waitFor()
  })
})

describe('the audit', () => {
  test('goes back page by page, and grows while its newest page is shown', async (context) => {
    const visit = await ConsoleVisit.begin(context, { services: 40 })
    await visit.tab('Audit').click()
    await visit.section.getByText('40 to 16 of 40').waitFor()
    await visit.mesh.act({ action: 'rotate', service: 'lake' })
    await visit.section.getByText('41 to 17 of 41').waitFor()
    await visit.section.getByRole('button', { name: 'Older' }).click()
    await visit.section.getByText('16 to 1 of 41').waitFor()
    assert.ok(await visit.section.getByRole('button', { name: 'Older' }).isDisabled())
    await visit.section.getByRole('button', { name: 'Newest' }).click()
    await visit.section.getByText('41 to 17 of 41').waitFor()
  })
})
