import type { Config } from '@datapunk/protocol'
import { constraintsOf } from './constraints.ts'
import type { Inventory } from './inventory.ts'
import { sameValue, serviceChanges } from './service-changes.ts'
import {
  certificateRequestOf,
  decodeRequest,
  decodeSettings,
  encodeRequest,
  encodeSettings,
  type Settings,
  settingsOf,
} from './settings.ts'
import type { CertificateRow, ServiceDeed } from './store/contract.ts'

/** A bundle is signed anew once a day, so that its age says that the authority is alive. */
const BUNDLE_RENEWAL = 24 * 60 * 60 * 1000

/** What must be done to make what is into what should be. */
export interface Plan {
  readonly actions: readonly Action[]
}

export type Action = ServiceAction | IssueAction | MeshAction

/**
 * Safe actions add, renew and publish. Destructive ones take something away or let somebody in: they remove or rename a
 * service, widen who may call, or lower a requirement; they are never done without being asked for.
 */
export type Safety = 'safe' | 'destructive'

interface ActionBase {
  /** The service, or `mesh`. */
  readonly subject: string
  readonly safety: Safety
  /** For people: why. */
  readonly reason: string
}

/** Changes what the mesh holds a service to. */
export interface ServiceAction extends ActionBase {
  readonly kind: ServiceDeed
  /** The settings that change, and to what. */
  readonly settings: Partial<Settings>
  /** `rename-service`: the service it was before. */
  readonly from?: string
}

export interface IssueAction extends ActionBase {
  readonly kind: 'issue'
  readonly instance: string
}

export interface MeshAction extends ActionBase {
  readonly kind: 'create-mesh' | 'replace-issuing-ca' | 'publish-trust-statement' | 'publish'
  /** `publish`: only because of the other actions; without them there is nothing new to say. */
  readonly follows?: true
}

/**
 * Compares what should be with what is. Pure and total: it reads no clock and no disk, and answers for every config and
 * every inventory.
 *
 * @param now milliseconds since the epoch
 * @returns the actions, in the order in which `apply` takes them
 */
export function plan(config: Config, inventory: Inventory, now: number): Plan {
  const wanted = wantedOf(config, inventory)
  const actions: Action[] = [...planMesh(config, inventory), ...planServices(wanted, inventory)]
  for (const action of planCertificates(wanted, inventory, actions, now)) actions.push(action)
  const publish = planPublication(inventory, actions, now)
  if (publish !== undefined) actions.push(publish)
  return { actions }
}

function planMesh(config: Config, inventory: Inventory): MeshAction[] {
  const mesh = { subject: 'mesh', safety: 'safe' } as const
  const active = (kind: string) =>
    inventory.slots.some((slot) => slot.kind === kind && slot.state === 'active')
  const founded = active('root') && active('issuing-ca') && active('bundle-key')
  if (!founded) {
    const reason = `there is no root, issuing CA and bundle key for ${config.trustDomain} yet`
    return [{ ...mesh, kind: 'create-mesh', reason }]
  }
  if (inventory.issuingConstraints === constraintsOf(config)) {
    if (inventory.trustStatementCurrent) return []
    const reason = 'the newest trust statement does not say what the inventory says'
    return [{ ...mesh, kind: 'publish-trust-statement', reason }]
  }
  const reason = 'the domains and addresses that services may have are not those the issuing CA may sign for'
  return [{ ...mesh, kind: 'replace-issuing-ca', reason }]
}

/** What a service should be, and whether that is what it is a member with already. */
interface Wanted {
  readonly settings: Settings
  readonly applied: boolean
}

/** By service of the config. Worked out once: with many services it is most of the work. */
function wantedOf(config: Config, { services }: Inventory): ReadonlyMap<string, Wanted> {
  const wanted = new Map<string, Wanted>()
  for (const service of config.services.values()) {
    const settings = settingsOf(config, service)
    const row = services.get(service.service)
    const applied = row?.state === 'member' && row.settings === encodeSettings(settings)
    wanted.set(service.service, { settings, applied })
  }
  return wanted
}

function planServices(wanted: ReadonlyMap<string, Wanted>, inventory: Inventory): ServiceAction[] {
  const actions: ServiceAction[] = []
  const taken = ownersOfWhatWillBeFree(wanted, inventory)
  const renamed = new Set<string>()
  for (const [service, { settings, applied }] of wanted) {
    if (applied) continue
    const row = inventory.services.get(service)
    if (row?.state === 'member') {
      actions.push(...changes(service, decodeSettings(row.settings), settings, taken))
      continue
    }
    const from = formerOwner(settings, taken)
    if (from !== undefined) renamed.add(from)
    actions.push(addition(service, settings, from))
  }
  for (const { service, state } of inventory.services.values()) {
    if (state !== 'member' || wanted.has(service) || renamed.has(service)) continue
    const reason = 'it is no longer in the config: out of the members at once, its files stay until --purge'
    actions.push({ kind: 'remove-service', subject: service, safety: 'destructive', settings: {}, reason })
  }
  return actions
}

function addition(service: string, settings: Settings, from: string | undefined): ServiceAction {
  if (from === undefined) {
    return {
      kind: 'add-service',
      subject: service,
      safety: 'safe',
      settings,
      reason: 'it is new in the config',
    }
  }
  const reason = `it takes over from ${from}, which is no longer in the config and goes out of the members at once`
  return { kind: 'rename-service', subject: service, safety: 'destructive', settings, from, reason }
}

/** Names and files of members that the config lets go of, by name or path, each with the member that has them. */
function ownersOfWhatWillBeFree(
  wanted: ReadonlyMap<string, Wanted>,
  inventory: Inventory,
): ReadonlyMap<string, string> {
  const owners = new Map<string, string>()
  for (const row of inventory.services.values()) {
    if (row.state !== 'member' || wanted.get(row.service)?.applied) continue
    for (const claim of claimsOf(decodeSettings(row.settings))) owners.set(claim, row.service)
  }
  return owners
}

function claimsOf(settings: Settings): string[] {
  return [...settings.dnsNames, ...settings.ipAddresses, settings.cert, settings.key]
}

function formerOwner(
  settings: Settings,
  taken: ReadonlyMap<string, string>,
  except?: string,
): string | undefined {
  for (const claim of claimsOf(settings)) {
    const owner = taken.get(claim)
    if (owner !== undefined && owner !== except) return owner
  }
  return undefined
}

/** Taking over what another member still has is destructive, whatever else the change is. */
function changes(
  service: string,
  applied: Settings,
  wanted: Settings,
  taken: ReadonlyMap<string, string>,
): ServiceAction[] {
  const takesOver = formerOwner(wanted, taken, service) !== undefined
  return serviceChanges(applied, wanted).map((change) => {
    const claims = change.kind === 'change-names' || change.kind === 'change-place'
    return { ...change, subject: service, safety: takesOver && claims ? 'destructive' : change.safety }
  })
}

/** Which instances need a certificate once the services' actions are done. */
function planCertificates(
  wanted: ReadonlyMap<string, Wanted>,
  inventory: Inventory,
  actions: readonly Action[],
  now: number,
): IssueAction[] {
  const planned: IssueAction[] = []
  const gone = new Set(
    actions.flatMap((action) =>
      action.kind === 'remove-service'
        ? [action.subject]
        : action.kind === 'rename-service'
          ? [action.from]
          : [],
    ),
  )
  const issue = (subject: string, instance: string, reason: string) =>
    planned.push({ kind: 'issue', subject, instance, safety: 'safe', reason })
  const instances = new Set(inventory.instances.map((row) => row.id))
  for (const service of wanted.keys()) {
    if (!instances.has(service) || inventory.services.get(service)?.state !== 'member') {
      issue(service, service, 'it is new')
    }
  }
  for (const instance of inventory.instances) {
    const row = inventory.services.get(instance.service)
    if (row?.state !== 'member' || instance.place !== 'here' || gone.has(instance.service)) continue
    const settings = wanted.get(instance.service)?.settings ?? decodeSettings(row.settings)
    const reason = reasonToIssue(settings, instance.id, inventory, now)
    if (reason !== undefined) issue(instance.service, instance.id, reason)
  }
  return planned
}

/** Why an instance needs a new certificate now, or undefined where it does not. */
export function reasonToIssue(
  settings: Settings,
  instance: string,
  inventory: Inventory,
  now: number,
): string | undefined {
  const current = inventory.current.get(instance)
  if (current === undefined) return 'it has no certificate'
  const found = inventory.pairs.get(instance)
  if (found === undefined) return 'its pair is missing on disk, or not whole'
  if (found !== current.serial) return `its pair on disk is not the one recorded last (${current.serial})`
  const request = encodeRequest(certificateRequestOf(settings))
  if (request !== current.request)
    return `its settings have changed: ${changedFields(current.request, request)}`
  const slot = inventory.slots.find((one) => one.id === current.slot)
  if (slot?.state !== 'active' && slot?.state !== 'retiring')
    return `its issuing CA ${current.slot} is ${slot?.state}`
  if (now >= current.notAfter) return `it expired at ${timestamp(current.notAfter)}`
  const due = renewalDue(current, settings.renewAt)
  return now >= due ? `it was due for renewal at ${timestamp(due)}` : undefined
}

/** When a certificate is to be renewed, milliseconds since the epoch. */
export function renewalDue(
  certificate: Pick<CertificateRow, 'notBefore' | 'notAfter'>,
  renewAt: number,
): number {
  return certificate.notBefore + renewAt * (certificate.notAfter - certificate.notBefore)
}

function planPublication(
  inventory: Inventory,
  actions: readonly Action[],
  now: number,
): MeshAction | undefined {
  const publish = (reason: string): MeshAction => ({
    kind: 'publish',
    subject: 'mesh',
    safety: 'safe',
    reason,
  })
  const { bundleIssuedAt } = inventory
  if (bundleIssuedAt === undefined) return publish('there is no bundle yet')
  if (!inventory.published) return publish('what is published is not what the inventory says')
  if (now - bundleIssuedAt >= BUNDLE_RENEWAL) return publish('the bundle is a day old')
  if (actions.every((action) => action.kind === 'issue')) return undefined
  return { ...publish('the members or their rights change'), follows: true }
}

/** What is left of a plan where the destructive actions are declined. */
export function safePart(actions: readonly Action[]): Action[] {
  const safe = actions.filter((action) => action.safety === 'safe')
  const follows = (action: Action) => 'follows' in action && action.follows === true
  return safe.some((action) => action.kind !== 'issue' && !follows(action))
    ? safe
    : safe.filter((action) => !follows(action))
}

function changedFields(before: string, after: string): string {
  const [old, wanted] = [decodeRequest(before), decodeRequest(after)]
  const fields = Object.keys(wanted) as (keyof typeof wanted)[]
  return fields.filter((field) => !sameValue(old[field], wanted[field])).join(', ')
}

function timestamp(time: number): string {
  return new Date(time).toISOString()
}
