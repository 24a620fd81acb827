import { isDeepStrictEqual } from 'node:util'
import type { RootKeyPlace } from '../keys/root-key-place.ts'
import type { SlotKind } from '../store/rows.ts'
import type { Late } from '../waiting/late.ts'

export const rollStepKinds = [
  'prepare',
  'publish-trust-statement',
  'activate',
  'retire',
  'publish-lists',
  'compromise',
] as const

/** One step of a roll-over that can be taken now. */
export type RollStep = PrepareStep | StepOf<'publish-trust-statement'> | SlotsStep | CompromiseStep

interface StepOf<Kind extends (typeof rollStepKinds)[number]> {
  readonly kind: Kind
  /** For people: why. */
  readonly reason: string
}

interface PrepareStep extends StepOf<'prepare'> {
  /** Of which kind. */
  readonly slotKind: SlotKind
}

/** The emergency path. */
interface CompromiseStep extends StepOf<'compromise'> {
  readonly slotKind: SlotKind
  /** Which ones are in other hands. */
  readonly slots: readonly string[]
}

interface SlotsStep extends StepOf<'activate' | 'retire' | 'publish-lists'> {
  /** Which ones, or whose. */
  readonly slots: readonly string[]
}

/** A step that can't be taken yet, and whom it waits for. */
export interface RollWait {
  readonly stage: 'prepare' | 'distribute' | 're-issue' | 'drain' | 'require'
  /** With `prepare`, where there is none yet: its kind. With `require`: `pins`. */
  readonly slot: string
  readonly late: readonly Late[]
  /** When it goes on whoever is late; undefined where it does not, milliseconds since the epoch. */
  readonly until: number | undefined
}

/** A step that can't be taken because keys of roots are away (`authority.root.offline`). */
export interface RootKeyAsk {
  readonly step: RollStep
  /** Those that are away, and where each is looked for. */
  readonly keys: readonly RootKeyPlace[]
  /** When what is in use now ends, milliseconds since the epoch; undefined where nothing ends meanwhile. */
  readonly until: number | undefined
}

/** A step that roots have to sign. */
export interface RootStep {
  readonly step: RollStep
  /** The slots of those roots. */
  readonly roots: readonly string[]
  /** As `RootKeyAsk` says. */
  readonly until: number | undefined
}

export function isSameStep(a: RollStep, b: RollStep | undefined): boolean {
  return a.kind === b?.kind && isDeepStrictEqual(targetOf(a), targetOf(b))
}

/** What tells a step from others of its kind. */
export function targetOf(step: RollStep): SlotKind | readonly string[] | undefined {
  if (step.kind === 'prepare') return step.slotKind
  return step.kind === 'publish-trust-statement' ? undefined : step.slots
}
