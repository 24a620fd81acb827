import type { TLSSocket } from 'node:tls'
import type { DocumentNumber } from '@datapunk/protocol'
import type { MeshError, MeshErrorCode } from './error.ts'
import type { Peer } from './gate/peer.ts'
import type { Refusal, Rule } from './refusal.ts'
import type { LogAlarm } from './transparency/log-watch.ts'

/** A connection that passed the gate. */
export interface Accepted {
  readonly direction: 'in' | 'out'
  readonly peer: Peer
  /** `address:port` of the other end. */
  readonly remote: string | undefined
  /** `TLSv1.3` or `TLSv1.2`. */
  readonly protocol: string | null
  /** Whether an earlier session was resumed. */
  readonly resumed: boolean
}

/** The service's pair as it is now. Times in milliseconds since the epoch, serials in lowercase hex. */
export interface Rotation {
  readonly from: string
  readonly to: string
  readonly notBefore: number
  readonly notAfter: number
  /** The certificate file, links resolved. */
  readonly file: string
}

export interface Update {
  readonly bundle: DocumentNumber
  readonly trustStatement: DocumentNumber
}

export interface Staleness {
  readonly bundle: DocumentNumber
  /** Milliseconds since the epoch. */
  readonly issuedAt: number
  readonly expiresAt: number
  readonly expired: boolean
}

export interface Revocation {
  /** Of the service's own certificate, lowercase hex. */
  readonly serial: string
  /** That lists it. */
  readonly bundle: DocumentNumber
}

export interface CutConnection {
  readonly direction: 'in' | 'out'
  readonly peer: Peer
  readonly remote: string | undefined
  readonly error: MeshError
}

/** A connection that ends before long. */
export interface DrainingConnection {
  readonly direction: 'in' | 'out'
  readonly peer: Peer
  readonly remote: string | undefined
  /** As an application has it from `connect`, `secureConnection`, or the `socket` of a request of HTTP/1.1 and of its upgrade. */
  readonly socket: TLSSocket
  /** When the peer's certificate ends, and the connection with it, if nothing has ended it before. Milliseconds since the epoch. */
  readonly endsAt: number
}

export interface MeshEvents {
  /** A connection passed the gate. */
  accepted: [Accepted]
  /** A connection did not. */
  refused: [Refusal]
  /** A connection passed that would have been refused, were the check `required` that only reports now. */
  reported: [Refusal]
  /**
   * An open connection is to be left: its peer's certificate ends within a minute, or its CA is on its way out. HTTP does so by
   * itself: nothing new is asked over it. Over raw TLS or a web socket the application may say goodbye, and connect anew.
   */
  draining: [DrainingConnection]
  /** An open connection was ended: its peer's certificate, membership or right is gone. */
  cut: [CutConnection]
  /** New handshakes use a new pair. */
  rotated: [Rotation]
  /** A new bundle, trust statement or config file holds. */
  updated: [Update]
  /**
   * The service's own certificate was revoked: nobody is served and nobody called, until it has another one, which is taken up
   * by itself.
   */
  revoked: [Revocation]
  /** A certificate is not in the log that has promised to hold it, or a log has contradicted itself: somebody holds a key that is not theirs. */
  alarm: [LogAlarm]
  /** No new bundle has come for long, or (`expired`) the last one has ended and nobody is served any more. */
  stale: [Staleness]
  /**
   * New files were found and not believed, and what was believed before is kept; or the authority on another host can't be
   * spoken to; or (`AUDIT_WENT_BACK`) its audit is not what it was, which changes nothing of what is believed.
   */
  problem: [MeshError]
}

/** This service as the mesh has it. */
export interface Self {
  readonly service: string
  /** Its first DNS name. */
  readonly name: string
  readonly spiffeId: string
  /** Where to listen, for `server.listen()`; reading it throws MeshError `NO_LISTEN_ADDRESS` where nothing says so. */
  readonly listen: { readonly host?: string; readonly port: number }
}

/** What has happened since this service joined. */
export interface Counters {
  /** Connections open now, both ways. */
  readonly open: number
  readonly accepted: number
  readonly cut: number
  /** New pairs taken up. */
  readonly rotated: number
  /** By rule. */
  readonly refused: Readonly<Partial<Record<Rule, number>>>
  /** By rule: connections that passed, and would have been refused by a check that only reports now. */
  readonly reported: Readonly<Partial<Record<Rule, number>>>
  /** By code. */
  readonly problems: Readonly<Partial<Record<MeshErrorCode, number>>>
  /** By kind. */
  readonly alarms: Readonly<Partial<Record<LogAlarm['kind'], number>>>
}

/** How this service stands in the mesh now. Times in milliseconds since the epoch. */
export interface Condition {
  /** Why nobody can be served or called, and what repairs it; undefined where they can. */
  readonly fault: { readonly rule: Rule; readonly message: string } | undefined
  /** When the service's own certificate ends, or the chain above it. */
  readonly certificateEnds: number
  /** When the first of the CAs that it believes ends. */
  readonly issuingCaEnds: number
  readonly rootEnds: number
  readonly bundle: { readonly number: DocumentNumber; readonly issuedAt: number; readonly expiresAt: number }
  /** How long it goes on without the authority at worst where all is well: just before certificate or bundle is renewed. Milliseconds. */
  readonly expectedBudget: number
  /** Whether the authority hears it now. */
  readonly heard: boolean
}
