import { randomBytes } from 'node:crypto'
import type { TestContext } from 'node:test'
import { type ConsoleServer, Sessions, serveConsole } from '@datapunk/console'
import { atEnd } from '@datapunk/testkit'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { FakeMesh } from '../../packages/console/testing/fake-mesh.ts'

export interface VisitOptions
  extends Pick<BrowserContextOptions, 'colorScheme' | 'forcedColors' | 'viewport' | 'reducedMotion'> {
  /** 3 unless told. */
  readonly services?: number
  readonly readOnly?: boolean
  /** Before anybody looks. */
  readonly prepare?: (mesh: FakeMesh) => void
  /** False: with the address alone, and no link. */
  readonly withLink?: boolean
}

/** Debian's, unless told. The switches keep it from doing anything but what a test does. */
export const launchOptions = {
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: [
    ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'],
    ...['--disable-background-networking', '--disable-component-update'],
  ],
}

/** Milliseconds that anything may take to be seen; it fails a test, and passes none. */
export const WAIT = 10_000

let browser: Promise<Browser> | undefined

/** For `after` of each file. */
export async function closeBrowser(): Promise<void> {
  await (await browser)?.close()
}

/** Somebody who looks at the console of a fake mesh, served by the real server, in a real browser. */
export class ConsoleVisit {
  readonly mesh: FakeMesh
  readonly sessions: Sessions
  readonly page: Page
  /** What the browser complained of: errors, and what the Content Security Policy refused. */
  readonly complaints: string[] = []
  /** Addresses that were asked for. */
  readonly requests: string[] = []
  #server: ConsoleServer

  private constructor(mesh: FakeMesh, sessions: Sessions, server: ConsoleServer, page: Page) {
    this.mesh = mesh
    this.sessions = sessions
    this.#server = server
    this.page = page
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') this.complaints.push(message.text())
    })
    page.on('pageerror', (error) => this.complaints.push(String(error.stack)))
    page.on('request', (request) => this.requests.push(request.url()))
  }

  /** Goes to the console, and comes in where there is a link. All of it ends with the test. */
  static async begin(context: TestContext, options: VisitOptions = {}): Promise<ConsoleVisit> {
    const { services = 3, readOnly = false, withLink = true, prepare, ...looks } = options
    const mesh = new FakeMesh({ services, clock: Date.now })
    prepare?.(mesh)
    const sessions = new Sessions({ clock: Date.now, randomBytes })
    const server = await ConsoleVisit.#serve(mesh, sessions, 0)
    browser ??= chromium.launch(launchOptions)
    const window = await (await browser).newContext(looks)
    const visit = new ConsoleVisit(mesh, sessions, server, await window.newPage())
    atEnd(context, async () => {
      await window.close()
      await visit.#server.close()
    })
    visit.page.setDefaultTimeout(WAIT)
    await visit.page.goto(withLink ? visit.link(readOnly) : visit.url)
    return visit
  }

  static #serve(mesh: FakeMesh, sessions: Sessions, port: number): Promise<ConsoleServer> {
    return serveConsole({ source: mesh, sessions, clock: Date.now, host: '127.0.0.1', port })
  }

  get url(): string {
    return `${this.#server.url}/`
  }

  /** As `mtls console` prints it. */
  link(readOnly = false): string {
    return `${this.url}#${this.sessions.link({ readOnly }).token}`
  }

  stopServer(): Promise<void> {
    return this.#server.close()
  }

  /** At the same address as before. */
  async startServer(): Promise<void> {
    this.#server = await ConsoleVisit.#serve(this.mesh, this.sessions, this.#server.address.port)
  }

  /** The button of a service in the map. */
  service(name: string) {
    return this.page.locator(`.map [data-service="${name}"]`)
  }

  /** How many connections a pair has, as the map says it. */
  count(caller: string, callee: string) {
    return this.page.locator(`[data-label="${caller} ${callee}"]`)
  }

  get panel() {
    return this.page.getByRole('complementary')
  }

  get dialog() {
    return this.page.getByRole('dialog')
  }

  tab(name: string) {
    return this.page.getByRole('tab', { name })
  }

  get section() {
    return this.page.getByRole('tabpanel')
  }
}
