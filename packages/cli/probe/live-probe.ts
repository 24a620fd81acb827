import type { Administration, ProbePairs } from '@datapunk/authority'
import { checkCertificate, type MeshDocuments, MeshError, readMeshDocuments } from '@datapunk/mesh'
import { endOf } from '@datapunk/pki'
import { type Config, PROBE, probeName, type ServiceConfig, serviceSpiffeId } from '@datapunk/protocol'
import type { World } from '../world.ts'
import { type Approach, attempt, type ProbedPlace, type Seen } from './attempt.ts'
import { inParallel } from './in-parallel.ts'
import { judge, type Question, type Try } from './judgement.ts'
import { type LiveCase, liveCases, type ShownKind, type Way } from './live-cases.ts'
import { nowhereToGo, placeOf } from './place.ts'
import { ReportedRefusals } from './reported-refusals.ts'
import type { Cell, ProbeResult } from './result.ts'
import { readPair, type ShownPair } from './shown-pair.ts'
import { strangers } from './strangers.ts'

export interface LiveProbeOptions {
  readonly config: Config
  readonly services: readonly ServiceConfig[]
  readonly administration: Administration
  readonly world: Pick<World, 'clock' | 'randomBytes'>
}

/** Connections at once: a few services each of which answers at once, or one that is slow. */
const AT_ONCE = 32

/** Live peers acknowledge a bundle in a few milliseconds. */
const ENFORCED_WITHIN = 5000

/** A peer that has refused somebody reports it within two seconds (`peer-voice.ts`); milliseconds. */
const REPORTED_WITHIN = 5000

/** A server that was told of its files reads them in its own time; as long as the authority waits (`deliver.ts`). */
const FILES_READ_WITHIN = 5000

/** One way of one case at one service. */
interface Knock {
  readonly service: ServiceConfig
  readonly case: LiveCase
  readonly place: ProbedPlace
  readonly way: Way | undefined
  readonly seen: Seen
}

/** Tries against the services that run what they have to refuse. */
export async function probeLive(options: LiveProbeOptions): Promise<ProbeResult> {
  const { config, services, administration, world } = options
  const at = world.clock()
  // 1 The probe is a member that nobody lets in, and every live peer knows what it shows.
  const pairs = await administration.prepareProbe()
  const { late } = await administration.enforcement({ bundle: pairs.bundle, wait: ENFORCED_WITHIN })
  await untilOfUse(pairs, options)
  const mesh = readMeshDocuments(config, { latest: world.clock() + config.authority.clockSkew })
  const shown = await shownPairs(pairs, mesh, options)
  // 2 Every case at every service that says where it is.
  const names = services.map(({ service }) => service)
  const asked = { services: names, after: 0, wait: 0 }
  const reports = new ReportedRefusals(await administration.refusedCallers(asked))
  const places = new Map(
    services.map((one) => [one.service, placeOf(one, mesh.bundle.members.get(one.service))]),
  )
  const knocks = await knockEverywhere(services, places, shown)
  // 3 What peers report of it, until they have told of everything, or say no more.
  const judging = { shown, reports, knocks, late, stranger: strangersAmong(knocks, options) }
  let cells = judgeAll(judging)
  const until = world.clock() + REPORTED_WITHIN
  while (isWaitedFor(cells, reports) && world.clock() < until) {
    const request = { services: names, after: reports.heard, wait: until - world.clock() }
    reports.add(await administration.refusedCallers(request))
    cells = judgeAll(judging)
  }
  // 4 In the order of services and cases.
  const nowhere = services.filter(({ service }) => places.get(service) === undefined)
  cells = [...cells, ...nowhere.flatMap((service) => atEveryCase(nowhereToGo(service, config)))]
  const took = world.clock() - at
  return { mode: 'live', services: names, cases: liveCases, cells, at, took }
}

/** Until the pair that is to have ended has; and, where services read files, until they have read the revocation list. */
async function untilOfUse(pairs: ProbePairs, { services, world }: LiveProbeOptions): Promise<void> {
  const isFileReader = services.some(readsFiles)
  const read = isFileReader ? pairs.revokedAt + FILES_READ_WITHIN : 0
  const ready = Math.max(endOf(pairs.expired.notAfter), read)
  const left = Math.max(0, ready - world.clock())
  await new Promise((resolve) => setTimeout(resolve, left))
}

function readsFiles({ reload, delivery }: ServiceConfig): boolean {
  return delivery === 'files' || (reload !== undefined && delivery !== 'mesh')
}

type Shown = Readonly<Record<ShownKind, ShownPair | undefined>>

async function shownPairs(
  pairs: ProbePairs,
  { trust }: MeshDocuments,
  { config, world }: LiveProbeOptions,
): Promise<Shown> {
  const current = readPair(pairs.current.folder)
  const issuerName = trust.issuingCas.at(-1)?.subject.commonName ?? ''
  const { clock, randomBytes } = world
  const name = probeName(config.trustDomain)
  const probe = { commonName: name, dnsNames: [name], spiffeId: serviceSpiffeId(config.trustDomain, PROBE) }
  return {
    nothing: undefined,
    current,
    expired: readPair(pairs.expired.folder),
    'not-yet-valid': readPair(pairs['not-yet-valid'].folder),
    revoked: readPair(pairs.revoked.folder),
    ...(await strangers({ config, member: probe, now: clock(), randomBytes, issuerName })),
  }
}

function knockEverywhere(
  services: readonly ServiceConfig[],
  places: ReadonlyMap<string, ProbedPlace | undefined>,
  shown: Shown,
): Promise<Knock[]> {
  const knocks = services.flatMap((service) => {
    const place = places.get(service.service)
    if (place === undefined) return []
    return liveCases.flatMap((one) =>
      (one.ways?.(service) ?? [undefined]).map((way) => ({ service, case: one, place, way })),
    )
  })
  return inParallel(knocks, AT_ONCE, async ({ place, way, ...knock }) => {
    const pair = shown[knock.case.shows]
    const { name: _, ...speaks } = way ?? { name: '' }
    const approach: Approach = { certificate: pair?.certificate, key: pair?.key, ...speaks }
    return { ...knock, place, way, seen: await attempt(place, approach) }
  })
}

/** Whoever shows a certificate that is not that of the service: what he does, says nothing of the service. */
function strangersAmong(
  knocks: readonly Knock[],
  { config, world }: LiveProbeOptions,
): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const { service, seen } of knocks) {
    if (seen.shown === undefined || found.has(service.service)) continue
    const fault = strangeness(seen.shown, service, config, world.clock())
    if (fault !== undefined) found.set(service.service, fault)
  }
  return found
}

function strangeness(
  der: Uint8Array,
  { service }: ServiceConfig,
  config: Config,
  at: number,
): string | undefined {
  try {
    const { service: found } = checkCertificate(der, { config, at, usage: 'serverAuth' })
    return found === service ? undefined : `there answers ${found}`
  } catch (error) {
    if (!(error instanceof MeshError && error.code === 'CERTIFICATE_REFUSED')) throw error
    return `there answers somebody whose certificate is not one of ${service} [${error.data.rule}]`
  }
}

interface Judging {
  /** Instances of which a process has not acknowledged what is published. */
  readonly late: readonly string[]
  readonly shown: Shown
  readonly reports: ReportedRefusals
  readonly knocks: readonly Knock[]
  readonly stranger: ReadonlyMap<string, string>
}

function judgeAll(judging: Judging): Cell[] {
  const byCell = Map.groupBy(judging.knocks, (knock) => `${knock.service.service} ${knock.case.id}`)
  return [...byCell.values()].map((knocks) => judge(questionOf(knocks, judging)))
}

function questionOf(
  knocks: readonly Knock[],
  { shown, reports, knocks: all, stranger, late }: Judging,
): Question {
  const { service, case: asked, place } = knocks[0] as Knock
  const name = service.service
  const pair = shown[asked.shows]
  const control = all.find((one) => one.service === service && one.case.id === 'not-allowed')
  return {
    service: name,
    case: asked,
    place,
    tries: knocks.map(({ way, seen }): Try => {
      // Where it comes to no handshake, no certificate is shown; another case shows the same one.
      const serial = asked.ways === undefined ? pair?.serial : undefined
      const trace = { service: name, serial, localPort: seen.localPort }
      return { way: way?.name, seen, told: reports.of(trace) }
    }),
    source: sourceOf(service, reports),
    isOpen: service.allow === 'members' && readsFiles(service),
    control: control?.seen,
    stranger: stranger.get(name),
    isLate: reports.peersOf(name).some(({ instance }) => late.includes(instance)),
    file: pair?.file,
  }
}

function sourceOf(service: ServiceConfig, reports: ReportedRefusals): Question['source'] {
  if (reports.isTold(service.service)) return 'reports'
  if (reports.peersOf(service.service).length > 0) return 'old'
  return readsFiles(service) ? 'files' : 'unheard'
}

/** Whether somebody who reports may still tell of what was seen. */
function isWaitedFor(cells: readonly Cell[], reports: ReportedRefusals): boolean {
  return cells.some(
    (cell) => cell.verdict === 'unproven' && cell.rule === undefined && reports.isTold(cell.service),
  )
}

function atEveryCase(cell: Omit<Cell, 'case'>): Cell[] {
  return liveCases.map(({ id }) => ({ ...cell, case: id }))
}
