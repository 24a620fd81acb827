import { AuthorityError, AuthorityReader, wantedMembers } from '@datapunk/authority'
import {
  type Bundle,
  type BundleHead,
  type Config,
  indexMembers,
  type Member,
  PROBE,
  type Requirement,
} from '@datapunk/protocol'

const DAY = 24 * 60 * 60 * 1000

/** What the authority has on record, as far as whoever asks may read it. */
export interface Records {
  /** The members as `mtls apply` would publish them now. */
  readonly members: readonly Member[]
  /** The certificate recorded last of a service, DER. */
  readonly newestCertificate: (service: string) => Uint8Array | undefined
}

/** @param clock milliseconds since the epoch */
export function recordsOf(config: Config, clock: () => number): Records {
  try {
    const observation = new AuthorityReader({ config, clock })
    try {
      const members = observation.wantedMembers()
      const newest = new Map(
        [...config.services.keys(), PROBE].map((service) => [
          service,
          observation.newestCertificate(service),
        ]),
      )
      return { members, newestCertificate: (service) => newest.get(service) }
    } finally {
      observation.close()
    }
  } catch (error) {
    // The authority's own folder is for itself alone; whoever else asks has the config and what is published.
    if (!(error instanceof AuthorityError)) throw error
    return { members: wantedMembers(config, clock()), newestCertificate: () => undefined }
  }
}

/**
 * The next bundle as `mtls apply` would publish it, all that it asks about approved. Checks newly made `required` are as they
 * are now, because those turn on by themselves once everybody is ready.
 *
 * @param at milliseconds since the epoch
 */
export function bundleByFile(config: Config, bundle: Bundle, members: readonly Member[], at: number): Bundle {
  const { pins } = bundle
  const pinMode = requirementByFile(config.pinning, pins?.mode)
  return {
    ...bundle,
    ...indexMembers(new Map(members.map((member) => [member.service, member]))),
    head: at <= bundle.head.expiresAt ? bundle.head : renewed(config, bundle.head, at),
    pins: pins && pinMode && { ...pins, mode: pinMode },
    transparency: requirementByFile(config.transparency, bundle.transparency),
  }
}

function renewed({ authority }: Config, head: BundleHead, at: number): BundleHead {
  return { ...head, issuedAt: at, expiresAt: at + authority.bundleDays * DAY }
}

function requirementByFile(
  wanted: 'off' | Requirement,
  published: Requirement | undefined,
): Requirement | undefined {
  if (wanted === 'off') return undefined
  return wanted === 'required' ? published : wanted
}
