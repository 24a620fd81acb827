import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { ConsoleVisit, closeBrowser } from './console-visit.ts'

after(closeBrowser)

const hintOf = (visit: ConsoleVisit) => visit.page.getByRole('heading', { name: 'A link lets you in' })
const historyOf = (visit: ConsoleVisit) =>
  visit.page.evaluate<[string, number]>('[location.href, history.length]')

describe('the way in', () => {
  test('is by a link, whose token is nowhere to be seen afterwards', async (context) => {
    const visit = await ConsoleVisit.begin(context, { withLink: false })
    await hintOf(visit).waitFor()
    const link = visit.link()
    await visit.page.goto(link)
    await visit.service('lake').waitFor()
    assert.equal((await historyOf(visit))[0], visit.url)
    const { token } = visit.sessions.link({ readOnly: true })
    assert.notEqual(token, '')
    const kept = await visit.page.evaluate<string>(
      'JSON.stringify([sessionStorage, localStorage, document.cookie])',
    )
    assert.ok(!kept.includes(new URL(link).hash.slice(1)))
    assert.ok(visit.requests.every((url) => !url.includes(new URL(link).hash.slice(1)) || url === link))
  })

  test('is shut to a link that was used, and the page says why', async (context) => {
    const visit = await ConsoleVisit.begin(context, { withLink: false })
    const link = visit.link()
    visit.sessions.logIn(new URL(link).hash.slice(1))
    await visit.page.goto(link)
    await visit.page.getByRole('alert').getByText('used before').waitFor()
    await hintOf(visit).waitFor()
    assert.equal((await historyOf(visit))[0], visit.url)
    assert.equal(await visit.service('lake').count(), 0)
  })

  test('is open to a page that is loaded again, and to no other', async (context) => {
    const visit = await ConsoleVisit.begin(context)
    await visit.service('lake').waitFor()
    await visit.page.reload()
    await visit.service('lake').waitFor()
    const other = await visit.page.context().newPage()
    await other.goto(visit.url)
    await other.getByRole('heading', { name: 'A link lets you in' }).waitFor()
  })

  test('is shut after logging out, and open again by another link in the same tab', async (context) => {
    const visit = await ConsoleVisit.begin(context)
    await visit.page.getByRole('button', { name: 'Log out' }).click()
    await hintOf(visit).waitFor()
    assert.equal(await visit.page.getByText('service.datapunk').count(), 0)
    await visit.page.reload()
    await hintOf(visit).waitFor()
    await visit.page.goto(visit.link(true))
    await visit.page.getByText('read-only').waitFor()
    await visit.service('lake').waitFor()
  })

  test('is shut when the session ends elsewhere', async (context) => {
    const visit = await ConsoleVisit.begin(context)
    await visit.service('lake').waitFor()
    const { session } = JSON.parse(await visit.page.evaluate<string>("sessionStorage.getItem('session')"))
    visit.sessions.logOut(session)
    await visit.service('lake').click()
    await visit.page.getByRole('alert').getByText('has ended').waitFor()
    await hintOf(visit).waitFor()
  })

  test('loads less than 100 kB, and nothing from elsewhere', async (context) => {
    const visit = await ConsoleVisit.begin(context, { withLink: false })
    let octets = 0
    visit.page.on('response', async (response) => {
      if (new URL(response.url()).pathname.startsWith('/api/')) return
      octets += Number(response.headers()['content-length'])
    })
    await visit.page.goto('about:blank')
    await visit.page.goto(visit.link())
    await visit.service('lake').waitFor()
    assert.ok(octets > 10_000 && octets < 100_000, `${octets} octets`)
    const origins = new Set(visit.requests.map((url) => new URL(url).origin))
    assert.deepEqual([...origins], [new URL(visit.url).origin])
    assert.deepEqual(visit.complaints, [])
  })
})
