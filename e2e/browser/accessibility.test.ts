import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import axe from 'axe-core'
import type { Locator } from 'playwright-core'
import { ConsoleVisit, closeBrowser, type VisitOptions } from './console-visit.ts'

after(closeBrowser)

interface Finding {
  readonly id: string
  readonly impact: string
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[]
}

/** What axe finds that keeps somebody from using the page. */
async function findings({ page }: ConsoleVisit): Promise<string[]> {
  await page.evaluate(axe.source)
  const { violations } = await page.evaluate<{ violations: Finding[] }>(
    "axe.run({ resultTypes: ['violations'] })",
  )
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map(({ html, failureSummary }) => `${id}: ${html}: ${failureSummary}`))
}

interface View extends VisitOptions {
  readonly show?: (visit: ConsoleVisit) => Promise<void>
}

const tab = (name: string): View => ({
  show: async (visit) => {
    await visit.mesh.act({ action: 'revoke', target: { service: 'stream' }, reason: 'superseded' })
    await visit.tab(name).click()
    await visit.section.locator('table').first().waitFor()
  },
})

const views: Readonly<Record<string, View>> = {
  'the map': {},
  'a service': {
    show: async (visit) => {
      await visit.service('nexus').click()
      await visit.panel.locator('.certificates li').first().waitFor()
    },
  },
  'a service that is bad': {
    show: async (visit) => {
      visit.mesh.services.get('lake')!.trouble = 'no valid certificate'
      visit.mesh.publish('stream')
      await visit.service('lake').click()
      await visit.panel.locator('.certificates li').first().waitFor()
    },
  },
  'a plan': {
    show: async (visit) => {
      await visit.service('lake').click()
      await visit.panel.getByRole('button', { name: 'Revoke…', exact: true }).click()
      await visit.dialog.getByText('superseded').click()
      await visit.dialog.locator('.effects').waitFor()
    },
  },
  'the roll-over': {
    prepare: (mesh) => {
      const late = [{ instance: 'stream', reason: 'has not acknowledged it' }]
      mesh.rolls = [{ slot: 'root-2', stage: 're-issue', late, until: Date.now() + 86_400_000 }]
      mesh.show()
    },
    show: async (visit) => {
      await visit.tab('Roll-over').click()
      await visit.section.locator('.roll').waitFor()
    },
  },
  'the revocations': tab('Revocations'),
  'the audit': tab('Audit'),
  'the events': tab('Events'),
  'a proof': {
    show: async (visit) => {
      await visit.tab('Log').click()
      await visit.section.getByRole('button', { name: 'Check entry 3' }).click()
      await visit.section.getByText('Proven:').waitFor()
    },
  },
  'forty services': { services: 40 },
  'a hundred services': { services: 100 },
  'a narrow screen': { viewport: { width: 390, height: 844 } },
  'no mesh': { services: 0, show: (visit) => visit.page.getByText('No services yet.').waitFor() },
  'an authority that is away': {
    prepare: (mesh) => mesh.authority(false),
    show: (visit) => visit.page.getByText('authority away').waitFor(),
  },
  'the way in': { withLink: false, show: (visit) => visit.page.getByText('A link lets you in').waitFor() },
}

for (const colorScheme of ['light', 'dark'] as const) {
  for (const forcedColors of ['none', 'active'] as const) {
    const own = forcedColors === 'active' ? ', in the reader’s own colours' : ''
    describe(`axe finds nothing serious, ${colorScheme}${own}, in`, () => {
      for (const [name, { show, ...options }] of Object.entries(views)) {
        test(name, async (context) => {
          const looks = { colorScheme, forcedColors, reducedMotion: 'reduce' } as const
          const visit = await ConsoleVisit.begin(context, { ...looks, ...options })
          if (show === undefined) await visit.service('lake').waitFor()
          else await show(visit)
          assert.deepEqual(await findings(visit), [])
          assert.deepEqual(visit.complaints, [])
        })
      }
    })
  }
}

/** Of an element, as the browser draws it. */
function drawn(found: Locator, ...properties: string[]): Promise<string[]> {
  return found.evaluate((element, names) => {
    const style = element.ownerDocument.defaultView!.getComputedStyle(element)
    return names.map((name) => style.getPropertyValue(name))
  }, properties)
}

describe('in the reader’s own colours', () => {
  const forcedColors = 'active'

  test('each stop of the keyboard has an outline', async (context) => {
    const visit = await ConsoleVisit.begin(context, { forcedColors })
    await visit.service('lake').waitFor()
    const focused = visit.page.locator(':focus')
    const stops = new Set<string>()
    for (;;) {
      await visit.page.keyboard.press('Tab')
      if ((await focused.count()) === 0) break
      stops.add(await focused.evaluate((element) => element.outerHTML))
      assert.deepEqual(await drawn(focused, 'outline-style', 'outline-width'), ['solid', '3px'])
    }
    // Log out, three states, the field, the map, the tabs, what is below them.
    assert.ok(stops.size >= 6, `${stops.size} stops`)
  })

  test('what is chosen differs from what is not by more than a colour, or by one of the reader’s', async (context) => {
    const visit = await ConsoleVisit.begin(context, { forcedColors })
    await visit.service('lake').click()
    await visit.panel.getByRole('heading', { name: 'lake' }).waitFor()
    assert.deepEqual(await drawn(visit.service('lake'), 'border-top-width'), ['3px'])
    assert.deepEqual(await drawn(visit.service('nexus'), 'border-top-width'), ['1px'])
    const underline = (name: string) => drawn(visit.tab(name), 'border-bottom-color')
    assert.notDeepEqual(await underline('Due'), await underline('Log'))
  })

  test('each state has its word beside its shape', async (context) => {
    const visit = await ConsoleVisit.begin(context, { forcedColors })
    visit.mesh.services.get('lake')!.trouble = 'no valid certificate'
    visit.mesh.publish('stream')
    for (const [name, state] of Object.entries({ lake: 'bad', stream: 'warning', nexus: 'good' })) {
      await visit.page.getByRole('button', { name: new RegExp(`^${name}, ${state}`) }).click()
      const standing = visit.panel.locator('.title .state')
      await standing.getByText(state, { exact: true }).waitFor()
      assert.equal(await standing.locator('svg').isVisible(), true)
    }
  })
})
