import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { ConsoleVisit, closeBrowser } from './console-visit.ts'

after(closeBrowser)

async function considerRevoking(visit: ConsoleVisit, name: string): Promise<void> {
  await visit.service(name).click()
  await visit.panel.getByRole('button', { name: 'Revoke…', exact: true }).click()
}

describe('a deed', () => {
  test('of revoking shows what would break, and is then seen to cut', async (context) => {
    const visit = await ConsoleVisit.begin(context)
    await considerRevoking(visit, 'lake')
    const { dialog } = visit
    const confirm = dialog.getByRole('button', { name: 'Revoke lake' })
    assert.ok(await confirm.isDisabled())
    await dialog.getByText('key-compromise').click()
    await dialog.getByText('open connections are cut').waitFor()
    await dialog.getByText('nexus can’t call lake').waitFor()
    assert.equal(await dialog.locator('pre').textContent(), 'mtls revoke lake --reason key-compromise')
    assert.ok(!(await confirm.evaluate((button) => button.matches(':focus'))))
    await confirm.click()
    await dialog.waitFor({ state: 'hidden' })
    await visit.page.getByText('Revoked lake: enforced by every live peer after 84 ms.').first().waitFor()
    await visit.page.locator('.line.cut').first().waitFor({ state: 'attached' })
    await visit.page.locator('.line.cut').first().waitFor({ state: 'detached' })
    assert.equal(await visit.count('nexus', 'lake').count(), 0)
    assert.equal(await visit.count('nexus', 'stream').count(), 1)
    await visit.page.getByRole('button', { name: /^lake, bad, revoked/ }).waitFor()
    await visit.tab('Revocations').click()
    await visit.section.getByText('after 84 ms').first().waitFor()
    assert.deepEqual(visit.complaints, [])
  })

  test('of revoking one certificate leaves the service in', async (context) => {
    const visit = await ConsoleVisit.begin(context)
    await visit.service('stream').click()
    await visit.panel
      .getByRole('button', { name: /^Revoke… certificate/ })
      .first()
      .click()
    await visit.dialog.getByText('superseded').click()
    await visit.dialog.getByRole('button', { name: 'Revoke one certificate of stream' }).click()
    await visit.dialog.waitFor({ state: 'hidden' })
    await visit.panel.locator('.certificates .revoked').waitFor()
    assert.equal(visit.mesh.services.get('stream')!.barred, false)
  })

  test('of rotating issues new certificates, seen in the panel', async (context) => {
    const visit = await ConsoleVisit.begin(context)
    await visit.service('nexus').click()
    await visit.panel.locator('.certificates li').nth(3).waitFor()
    await visit.panel.getByRole('button', { name: 'Rotate…' }).click()
    await visit.dialog.getByRole('button', { name: 'Rotate nexus' }).click()
    await visit.panel.locator('.certificates li').nth(5).waitFor()
    await visit.page.getByText('Rotated nexus').first().waitFor()
  })

  test('that is refused says why, and changes nothing', async (context) => {
    const visit = await ConsoleVisit.begin(context)
    await considerRevoking(visit, 'lake')
    await visit.dialog.getByText('key-compromise').click()
    await visit.dialog.getByText('open connections are cut').waitFor()
    visit.mesh.refusal = 'the authority does not answer; start it with `mtls up`'
    await visit.dialog.getByRole('button', { name: 'Revoke lake' }).click()
    await visit.dialog.getByRole('alert').getByText('start it with').waitFor()
    assert.equal(visit.mesh.services.get('lake')!.barred, false)
    await visit.page.keyboard.press('Escape')
    await visit.dialog.waitFor({ state: 'hidden' })
  })

  test('can be considered and put away by the keyboard, and the focus comes back', async (context) => {
    const visit = await ConsoleVisit.begin(context)
    const { page } = visit
    await visit.service('lake').focus()
    await page.keyboard.press('Enter')
    const revoke = visit.panel.getByRole('button', { name: 'Revoke…', exact: true })
    await revoke.focus()
    await page.keyboard.press('Enter')
    await visit.dialog.waitFor()
    await page.keyboard.press('Tab')
    await page.keyboard.press('Space')
    await visit.dialog.getByText('open connections are cut').waitFor()
    await page.keyboard.press('Escape')
    await visit.dialog.waitFor({ state: 'hidden' })
    assert.ok(await revoke.evaluate((button) => button.matches(':focus')))
    await visit.panel.getByRole('heading', { name: 'lake' }).waitFor()
    assert.equal(visit.mesh.services.get('lake')!.barred, false)
  })

  test('is not offered to whoever may only look', async (context) => {
    const visit = await ConsoleVisit.begin(context, { readOnly: true })
    await visit.page.getByText('read-only').waitFor()
    await visit.service('lake').click()
    await visit.panel.getByRole('heading', { name: 'Certificates' }).waitFor()
    await visit.panel.locator('.certificates li').first().waitFor()
    assert.equal(await visit.page.getByRole('button', { name: /Revoke|Rotate/ }).count(), 0)
  })
})
