import type { Config } from '@datapunk/protocol'
import { slotInUse } from '../engine/slots.ts'
import { constraintsOf } from '../services/constraints.ts'
import type { SlotKind, SlotRow } from '../store/rows.ts'
import { waitOfCrowd } from './crowd.ts'
import type { Inventory } from './inventory.ts'
import { endOf, isRollTime } from './lifetimes.ts'
import type { RollWait, RootStep } from './roll-step.ts'

const OTHER_CONSTRAINTS = 'what the issuing CA may sign for is not what the config asks for'

interface Generation {
  readonly active: SlotRow | undefined
  readonly next: SlotRow | undefined
}

/** 1 The next key, and its certificate; nobody trusts it yet. The first of them that can be taken is. */
export function prepare(config: Config, inventory: Inventory, now: number, waits: RollWait[]): RootStep[] {
  const { slots, cas, announced } = inventory
  const steps: RootStep[] = []
  const add = (
    slotKind: SlotKind,
    reason: string,
    roots: readonly (SlotRow | undefined)[],
    until?: number,
  ) => {
    const signers = roots.flatMap((root) => root?.id ?? [])
    steps.push({ step: { kind: 'prepare', slotKind, reason }, roots: signers, until })
  }
  const [root, issuing, bundleKey] = (['root', 'issuing-ca', 'bundle-key'] as const).map((kind) => ({
    active: slotInUse(slots, kind),
    next: slots.find((slot) => slot.kind === kind && slot.state === 'prepared'),
  })) as [Generation, Generation, Generation]
  const wanted = constraintsOf(config)
  const addRoot = (reason: string) => add('root', reason, [root.active, root.next], endOf(root.active, cas))
  const isDue = ({ active }: Generation) => active !== undefined && isRollTime(active, config, inventory, now)
  if (root.next === undefined && isDue(root))
    addRoot(`${root.active?.id} has lived for two thirds of its life`)
  if (root.next !== undefined && root.next.certificate === undefined)
    addRoot(`${root.next.id} has no certificate yet`)
  else if (root.next !== undefined && !inventory.rootsVouched)
    addRoot(`${root.next.id} and ${root.active?.id} have yet to vouch for each other`)
  const parent = root.next ?? root.active
  const addIssuing = (reason: string) =>
    add('issuing-ca', reason, [parent], reason === OTHER_CONSTRAINTS ? undefined : endOf(issuing.active, cas))
  if (issuing.next !== undefined) {
    const facts = cas.get(issuing.next.id)
    if (facts === undefined) addIssuing(`${issuing.next.id} has no certificate yet`)
    else if (facts.signer !== parent?.id) addIssuing(`${issuing.next.id} is to be under ${parent?.id}`)
    // Whoever knows it already would go by what it allowed then. It takes its turn, and another one follows it.
    else if (facts.constraints !== wanted && !announced.has(issuing.next.id)) addIssuing(OTHER_CONSTRAINTS)
  } else if (root.next !== undefined) addIssuing(`${root.next.id} needs one under it`)
  else if (issuing.active === undefined) addIssuing('none is in use that peers trust')
  else if (isDue(issuing)) addIssuing(`${issuing.active.id} will not outlive the certificates it would sign`)
  else if (inventory.issuingConstraints !== wanted) {
    const crowd = waitOfCrowd(config, inventory, now)
    if (crowd === undefined) addIssuing(OTHER_CONSTRAINTS)
    else waits.push(crowd)
  }
  if (bundleKey.next === undefined && isDue(bundleKey))
    add('bundle-key', `${bundleKey.active?.id} is a year old`, [])
  return steps
}

/** Another log than the one in use. */
export function prepareLog({ transparency }: Config, { slots, log }: Inventory): RootStep[] {
  const isKnown = slots.some(({ kind, spkiHash }) => kind === 'log' && spkiHash === log)
  if (transparency === 'off' || log === undefined || isKnown) return []
  const reason = 'certificates go to a log that no peer knows'
  return [{ step: { kind: 'prepare', slotKind: 'log', reason }, roots: [], until: undefined }]
}
