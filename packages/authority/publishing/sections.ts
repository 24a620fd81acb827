import { sha256 } from '@datapunk/pki'
import {
  encodeDraining,
  encodeMembers,
  encodeTransparency,
  type Requirement,
  type Strictness,
} from '@datapunk/protocol'
import { keptSection } from '../revoked/kept-section.ts'
import { membersOf, stillShown } from '../services/members.ts'
import type { Store } from '../store/contract.ts'
import { keptPer } from '../store/kept-answer.ts'
import { DAY } from '../time.ts'
import { drainingIssuers } from './draining.ts'
import { pinsSection } from './pins-section.ts'

/** A section of the bundle. */
export interface Section {
  readonly kind: string
  readonly critical: boolean
  /** SHA-256 of its bytes, lowercase hex. */
  readonly digest: string
  readonly bytes: Uint8Array
}

/** A peer whose clock is late believes a certificate for so long after its end. */
const KEPT = DAY

/**
 * What the inventory has to say to peers, but for the audit. A section is made again only when something that it is made of has
 * changed.
 *
 * @param now milliseconds since the epoch
 * @param pinnedAt a key whose certificate has ended since then is pinned still
 */
export function sectionsOf(
  store: Store,
  pinMode: Strictness,
  { now, pinnedAt }: { readonly now: number; readonly pinnedAt: number },
): Section[] {
  const draining = drainingIssuers(store, now)
  const scts = store.mesh()?.scts
  const revoked = keptSection(store).at(now - KEPT)
  return [
    membersSection(store, now),
    ...(revoked === undefined ? [] : [sectionOf('revoked', true, revoked.bytes, revoked.digest)]),
    ...(draining.length === 0 ? [] : [sectionOf('draining', false, encodeDraining(draining))]),
    ...(scts === undefined ? [] : [transparencySection(store, scts)]),
    // A peer of before there were pins goes on without.
    ...(pinMode === 'off' ? [] : [pinned(store, pinMode, pinnedAt - KEPT)]),
  ]
}

export function sectionOf(
  kind: string,
  critical: boolean,
  bytes: Uint8Array,
  digest = Buffer.from(sha256(bytes)).toString('hex'),
): Section {
  return { kind, critical, digest, bytes }
}

const keptMembers = keptPer<Section>()
const keptPins = keptPer<Section>()
const keptTransparency = keptPer<Section>()

function membersSection(store: Store, now: number): Section {
  const rows = [store.services(), store.instances(), store.currentCertificates(), store.liveCertificates(now)]
  // A serial is of one certificate for ever.
  const shown = stillShown(store, now).map(({ serial }) => serial)
  return keptMembers(store).of([...rows, ...shown], () =>
    sectionOf('members', true, encodeMembers(membersOf(store, now))),
  )
}

function pinned(store: Store, mode: Requirement, after: number): Section {
  const keys = store.pinnedKeys(after)
  return keptPins(store).of([keys, mode], () => sectionOf('pins', false, pinsSection(keys, mode)))
}

function transparencySection(store: Store, scts: Requirement): Section {
  return keptTransparency(store).of([scts], () => sectionOf('transparency', false, encodeTransparency(scts)))
}
