import { z } from 'zod'
import { SERVICE_NAME } from './service-identity.ts'

/**
 * What the console's page and whoever serves it say to each other, as JSON over HTTP. Times are milliseconds since the epoch,
 * serials and hashes lowercase hex, octets base64. Imports nothing that a browser lacks: the page reads these types too.
 */

/** How something is, for whoever looks: `quiet` says nothing about it, because nothing runs there. */
export type ConsoleState = 'good' | 'warning' | 'bad' | 'quiet'

/** The mesh at one moment. */
export interface ConsoleView {
  readonly mesh: ConsoleMesh
  /** Sorted by name. */
  readonly services: readonly ConsoleService[]
  readonly links: readonly ConsoleLink[]
  /** The newest first, at most `MAX_SHOWN_REVOCATIONS`. */
  readonly revocations: readonly ConsoleRevocation[]
}

export const MAX_SHOWN_REVOCATIONS = 100
export const MAX_SHOWN_DUE = 50

export interface ConsoleMesh {
  readonly trustDomain: string
  /** Null before the first apply. */
  readonly meshId: string | null
  readonly environment: string | null
  /** `1.42`; null before the first apply. */
  readonly bundle: string | null
  readonly bundleExpiresAt: number | null
  /** What is wrong with the mesh as a whole, and the command that mends it. */
  readonly faults: readonly string[]
  /** When the mesh ends if the authority does nothing from now on, and by what: `bundle 1.42`, `certificate lake`. */
  readonly outage: { readonly until: number; readonly endedBy: string } | null
  /** What is to be done next, the soonest first, at most `MAX_SHOWN_DUE`. */
  readonly due: readonly ConsoleDue[]
  readonly slots: readonly ConsoleSlot[]
  readonly rolls: readonly ConsoleRoll[]
  /** Keys of roots that a roll-over asks for, in words. */
  readonly asks: readonly string[]
  readonly transparency: { readonly wanted: string; readonly mode: string; readonly failure: string | null }
  readonly pinning: {
    readonly wanted: string
    readonly mode: string
    readonly suspendedUntil: number | null
  }
}

/** Something that will be done, or ends, at a time. */
export interface ConsoleDue {
  readonly at: number
  /**
   * `renewal`: of the certificate of an instance; `signature`: the bundle, or a list, is signed anew; `roll-over`: of a key
   * begins; `end`: of a CA.
   */
  readonly kind: 'renewal' | 'signature' | 'roll-over' | 'end'
  readonly subject: string
}

/** A key of the authority, or of a log. */
export interface ConsoleSlot {
  /** `issuing-ca-2`. */
  readonly slot: string
  readonly kind: string
  readonly state: 'prepared' | 'active' | 'retiring' | 'retired' | 'compromised'
  /** Of its certificate; null where it has none. */
  readonly notAfter: number | null
}

/** A step of a roll-over that waits. */
export interface ConsoleRoll {
  readonly slot: string
  readonly stage: 'prepare' | 'distribute' | 're-issue' | 'drain' | 'require'
  /** Who has not acknowledged, and why it is waited for. */
  readonly late: readonly { readonly instance: string; readonly reason: string }[]
  /** When it goes on whoever is late. */
  readonly until: number | null
}

export interface ConsoleService {
  readonly service: string
  readonly state: ConsoleState
  /** What is wrong with it, or unusual, in words; the first is the reason of its state. */
  readonly notes: readonly string[]
  readonly names: readonly string[]
  /** It was revoked, and gets no certificate until `mtls issue`. */
  readonly barred: boolean
  readonly instances: readonly ConsoleInstance[]
}

export interface ConsoleInstance {
  readonly instance: string
  readonly place: 'here' | 'elsewhere'
  /**
   * Of its certificate; null where it has none. The moment of the renewal is drawn by serial: the two tell that another took its
   * place, for a quarter of what a thousand serials would cost a page.
   */
  readonly notBefore: number | null
  readonly renewalDue: number | null
  readonly delivery: 'proven' | 'by-file' | 'unheard'
  /** Processes that speak to the authority now. */
  readonly live: number
  /** The bundle that all of them enforce; null where none has said so. */
  readonly enforced: string | null
}

/** Connections that are open now, by the reports of both ends. */
export interface ConsoleLink {
  readonly caller: string
  readonly callee: string
  readonly count: number
}

export interface ConsoleRevocation {
  /** Counts up from 1. */
  readonly number: number
  readonly serial: string
  /** `operator alice` for one who is no service; null: a certificate of the authority itself. */
  readonly service: string | null
  readonly reason: string
  readonly at: number
  /** Milliseconds from then until every live peer enforced it; null where it has not been seen. */
  readonly enforcedAfter: number | null
  /** Live peers have yet to acknowledge it. */
  readonly pending: boolean
}

/** Something that happened, as `mtls events` tells it. */
export interface ConsoleEvent {
  readonly at: string
  readonly kind: string
  readonly subject: string
  /** In words. */
  readonly text: string
  readonly state: ConsoleState
}

/** A line of the stream. The first is a `view`; a `change` has the parts that differ, whole, but services one by one. */
export type ConsoleMessage =
  | { readonly type: 'view'; readonly view: ConsoleView }
  | {
      readonly type: 'change'
      readonly mesh?: ConsoleMesh
      readonly services?: readonly ConsoleService[]
      /** Names of services that are gone. */
      readonly gone?: readonly string[]
      readonly links?: readonly ConsoleLink[]
      readonly revocations?: readonly ConsoleRevocation[]
    }
  /** The newest last. */
  | { readonly type: 'events'; readonly events: readonly ConsoleEvent[] }
  /** Whether the authority answers; where it does not, what is shown is what it said last. */
  | { readonly type: 'authority'; readonly reachable: boolean; readonly message: string }
  /** Every ten seconds, so that silence says something. */
  | { readonly type: 'beat'; readonly at: number }

/** One service, for whoever clicks on it. */
export interface ConsoleServiceDetail {
  readonly service: string
  readonly spiffeId: string
  /** Who may call it. */
  readonly callers: 'members' | readonly string[]
  /** The newest first. */
  readonly certificates: readonly ConsoleCertificate[]
  readonly pins: readonly ConsolePin[]
  readonly peers: readonly ConsolePeer[]
}

export interface ConsoleCertificate {
  readonly serial: string
  readonly instance: string
  readonly notBefore: number
  readonly notAfter: number
  readonly state: 'current' | 'issued' | 'revoked' | 'intended'
  readonly revokedAt: number | null
  readonly reason: string | null
  /** The slot that signed it. */
  readonly issuer: string
  /** The slot of the log that holds it. */
  readonly log: string | null
  /** The OCSP answer that its service staples now. */
  readonly staple: {
    readonly status: string
    readonly thisUpdate: number
    readonly nextUpdate: number
  } | null
}

/** A key that peers accept of the service. */
export interface ConsolePin {
  /** SHA-256 of the SubjectPublicKeyInfo. */
  readonly spkiHash: string
  /** `next`: of no certificate yet. */
  readonly of: 'current' | 'next' | 'earlier'
}

/** A process of the service that speaks to the authority. */
export interface ConsolePeer {
  readonly instance: string
  readonly version: string
  readonly since: number
  readonly serial: string
  readonly enforced: string | null
  readonly open: number
  /** How often its gate has refused since it was started, by rule. */
  readonly refused: Readonly<Record<string, number>>
  /** How often it would have, were the check required. */
  readonly reported: Readonly<Record<string, number>>
  /** What it last said it did not believe. */
  readonly refusal: { readonly rule: string; readonly message: string } | null
}

/** Entries of the audit, the newest first. */
export interface ConsoleAudit {
  readonly entries: readonly {
    readonly number: number
    readonly at: number
    readonly actor: string
    readonly deed: string
    readonly text: string
  }[]
  /** How many there are in all. */
  readonly size: number
  /** The root of their tree, base64. */
  readonly root: string
}

/** What the newest log holds, the newest first. */
export interface ConsoleLog {
  readonly origin: string
  readonly size: number
  /** Of its tree, base64. */
  readonly root: string
  readonly signedAt: number
  readonly entries: readonly {
    readonly index: number
    readonly loggedAt: number
    /** Empty where it can’t be read. */
    readonly serial: string
    /** Its names, or its subject. */
    readonly name: string
    readonly notAfter: number
  }[]
}

/** That an entry is in the log: everything that a browser needs to check it itself. */
export interface ConsoleProof {
  readonly index: number
  readonly serial: string
  readonly origin: string
  /** SubjectPublicKeyInfo of the log, DER, from the trust statement. */
  readonly key: string
  /** The signed note as the log shows it. */
  readonly checkpoint: string
  /** MerkleTreeLeaf, whose hash is the leaf's (RFC 6962 3.4). */
  readonly leaf: string
  /** Hashes from the leaf up, base64. */
  readonly proof: readonly string[]
}

/** What an action would do, before it is asked for. */
export interface ConsolePlan {
  /** The question, in words: `Revoke lake?`. */
  readonly title: string
  /** What it does, one effect a line, the worst first. */
  readonly effects: readonly { readonly state: ConsoleState; readonly text: string }[]
  /** The command that does the same. */
  readonly command: string
}

/** What an action has done. */
export interface ConsoleDone {
  readonly text: string
  readonly state: ConsoleState
}

/** What went wrong, for people; `code` for programs. */
export interface ConsoleProblem {
  readonly code: string
  readonly message: string
}

export interface ConsoleSession {
  /** To be sent as `authorization: Bearer`, and kept where other origins can’t read it. */
  readonly session: string
  readonly readOnly: boolean
  readonly endsAt: number
}

/** 32 random octets. */
const secret = z.string().regex(/^[A-Za-z0-9_-]{43}$/)
const serviceName = z.string().regex(SERVICE_NAME)
const serial = z.string().regex(/^[0-9a-f]{16,40}$/)

export const loginRequest = z.strictObject({ token: secret })

/** Over TLS: who it is, the certificate has said. */
export const operatorLoginRequest = z.strictObject({})

export const consoleReasons = [
  'key-compromise',
  'affiliation-changed',
  'superseded',
  'cessation-of-operation',
  'privilege-withdrawn',
] as const

/** What can be done from the console. `plan` asks what it would do, `act` does it. */
export const actionRequest = z.discriminatedUnion('action', [
  z.strictObject({ action: z.literal('rotate'), service: serviceName }),
  z.strictObject({
    action: z.literal('revoke'),
    target: z.union([z.strictObject({ service: serviceName }), z.strictObject({ serial })]),
    reason: z.enum(consoleReasons),
  }),
])
export type ConsoleAction = z.output<typeof actionRequest>

export const serviceQuery = z.strictObject({ service: serviceName })
/** `before`: entries with a smaller number, or index. */
export const pageQuery = z.strictObject({ before: z.coerce.number().int().min(0).optional() })
export const proofQuery = z.strictObject({ serial })
