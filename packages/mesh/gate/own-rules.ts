import { formatDocumentNumber } from '@datapunk/protocol'
import { Refused, type Rule } from '../refusal.ts'
import type { GateStep } from './gate-step.ts'
import type { MeshView } from './view.ts'

/** A service at one moment, by what it believes. */
export interface OwnState {
  readonly view: MeshView
  /** Of its own certificate, lowercase hex; undefined where it has none. */
  readonly serial: string | undefined
  /** Milliseconds since the epoch. */
  readonly at: number
}

/** The one of `ownRules` that looks at its own certificate. */
export const ownRevocation: GateStep<OwnState> = {
  name: 'own revocation',
  check: ({ view, serial }) => {
    if (serial !== undefined && view.bundle.revoked.has(serial)) throw selfIsRevoked(view, serial)
    return undefined
  },
  evidence: ({ view, serial }) =>
    serial === undefined
      ? `${view.service} shows no certificate here`
      : `the certificate ${serial} of ${view.service} itself is not revoked`,
}

/** What must hold of the service itself before it judges anybody. */
export const ownRules: readonly GateStep<OwnState>[] = [
  ownRevocation,
  {
    name: 'own membership',
    check: ({ view }) => {
      if (view.self === undefined) throw selfIsNoMember(view)
      return undefined
    },
    evidence: ({ view }) => `${view.service} is a member, ${view.selfName.spiffeId}`,
  },
  {
    name: 'bundle',
    check: ({ view, at }) => {
      if (at > view.expiresAt) throw bundleExpired(view, at)
      return undefined
    },
    evidence: ({ view: { bundle } }) => `valid until ${timeText(bundle.head.expiresAt)}`,
  },
]

/** What `ownRules` refuse for, whoever is at the other end. */
export const ownFaults: ReadonlySet<Rule> = new Set<Rule>([
  'BUNDLE_EXPIRED',
  'SELF_NOT_A_MEMBER',
  'SELF_REVOKED',
])

function selfIsNoMember(view: MeshView): Refused {
  return new Refused(
    'SELF_NOT_A_MEMBER',
    `${view.service} is no longer a member of the mesh, so nobody is served and nobody called`,
    `add services.${view.service} to the config file and run \`mtls apply\``,
  )
}

function selfIsRevoked({ service, bundle }: MeshView, serial: string): Refused {
  return new Refused(
    'SELF_REVOKED',
    `found the certificate ${serial} of ${service} itself among those that bundle ${formatDocumentNumber(bundle.head.number)} lists as revoked, so nobody is served and nobody called; allowed: one that is not`,
    `\`mtls status\` says whether ${service} is barred, which \`mtls issue ${service}\` ends; else \`mtls up\` gives it a new pair, which is taken up by itself`,
  )
}

/** What is true now is known to nobody any more: a revocation may have been missed. */
function bundleExpired({ bundle, service }: MeshView, at: number): Refused {
  return new Refused(
    'BUNDLE_EXPIRED',
    `found the mesh bundle ${formatDocumentNumber(bundle.head.number)}, which ended at ${timeText(bundle.head.expiresAt)}, as the newest that ${service} has; allowed: one that is valid now, which is ${timeText(at)} by this machine’s clock`,
    'start the authority (`mtls up`), or run `mtls apply`, which signs a new one; if the clock is wrong, set it',
  )
}

function timeText(time: number): string {
  return new Date(time).toISOString()
}
