import type { Mesh } from '@datapunk/mesh'
import { parseEvents } from './event.ts'
import { checkLoopbackHost } from './loopback.ts'
import type { OverviewDocument } from './overview.ts'
import { page, pageHeaders } from './page.ts'
import { Problem } from './problem.ts'
import { readJson } from './read-json.ts'
import { parseRecordQuery } from './record.ts'
import type { Handler, Reply, Routes } from './router.ts'

type Fetch = Mesh['fetch']

/** What people can ask nexus for, over plain HTTP; it asks the mesh. */
export function gateway(
  fetch: Fetch,
  overview: (now: number) => OverviewDocument,
  clock: () => number,
): Routes {
  const routes: Record<string, Handler> = {
    'GET /': () => ({ headers: pageHeaders, body: page }),
    'GET /overview': () => ({ body: overview(clock()) }),
    'GET /records': (_, url) => {
      parseRecordQuery(url.searchParams)
      return relay(fetch, `https://lake.service.datapunk/records${url.search}`)
    },
    'POST /events': async (request) => {
      const events = parseEvents(await readJson(request), clock())
      const body = JSON.stringify(
        events.map(({ at, ...event }) => ({ ...event, at: new Date(at).toISOString() })),
      )
      return relay(fetch, 'https://stream.service.datapunk/events', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      })
    },
  }
  return Object.fromEntries(Object.entries(routes).map(([route, handler]) => [route, fromLoopback(handler)]))
}

function fromLoopback(handler: Handler): Handler {
  return (request, url) => {
    checkLoopbackHost(request.headers.host)
    return handler(request, url)
  }
}

async function relay(fetch: Fetch, url: string, init: Parameters<Fetch>[1] = {}): Promise<Reply> {
  try {
    const reply = await fetch(url, { ...init, signal: AbortSignal.timeout(5000) })
    return {
      status: reply.status,
      headers: { 'content-type': reply.headers.get('content-type') ?? 'application/octet-stream' },
      body: await reply.text(),
    }
  } catch (cause) {
    const { message } = cause as Error
    throw new Problem(
      502,
      'SERVICE_UNREACHABLE',
      `found no answer from ${new URL(url).hostname}: ${message}`,
      {
        cause,
      },
    )
  }
}
