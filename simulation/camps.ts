import { type Certificate, endOf, type Usage } from '@datapunk/pki'
import { formatDocumentNumber, keyIdOf, type TrustStatement } from '@datapunk/protocol'
import type { MeshDocuments } from '../packages/mesh/files/mesh-files.ts'
import { examine } from '../packages/mesh/gate/examine.ts'
import { LoggedCertificates } from '../packages/mesh/gate/logged-certificates.ts'
import type { Standing } from '../packages/mesh/gate/standing.ts'
import { MeshView } from '../packages/mesh/gate/view.ts'
import { Refused } from '../packages/mesh/refusal.ts'

/** Refusals that others believing the same may not make a moment later. */
const OF_TIME: readonly string[] = ['CERTIFICATE_EXPIRED', 'CERTIFICATE_NOT_YET_VALID']

const MAX_CAMPS = 64

/** Peers that believe the same of who is a member and whom to trust: they judge every leaf alike, so each is judged once. */
export class Camp {
  readonly view: MeshView
  /** Of the keys that are trusted, the hashes. */
  readonly keys: readonly string[]
  /** By serial. */
  readonly #found: Readonly<Record<Usage, Map<string, Standing | Refused>>> = {
    serverAuth: new Map(),
    clientAuth: new Map(),
  }

  constructor(view: MeshView) {
    this.view = view
    this.keys = keysOf(view.trust)
  }

  /** What `examine` says of a leaf. A refusal is kept too, unless it is one of time. @param at milliseconds since the epoch */
  judge(leaf: Certificate, usage: Usage, at: number): Standing | Refused {
    const found = this.#found[usage]
    const known = found.get(leaf.serial)
    if (known instanceof Refused) return known
    if (known !== undefined && known.notBefore <= at && at < endOf(known.notAfter)) return known
    try {
      const standing = examine(leaf.der, this.view, usage, at)
      found.set(leaf.serial, standing)
      return standing
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      if (!OF_TIME.includes(error.rule)) found.set(leaf.serial, error)
      return error
    }
  }
}

/** The camps there are, the last few of them. */
export class Camps {
  readonly #camps = new Map<string, Camp>()
  /** What a log has signed is the same for every camp. */
  readonly #logged = new LoggedCertificates()

  /** @param clockSkew milliseconds */
  of(documents: MeshDocuments, clockSkew: number): Camp {
    const key = campKey(documents)
    const known = this.#camps.get(key)
    if (known !== undefined) return known
    if (this.#camps.size >= MAX_CAMPS) this.#camps.delete(this.#camps.keys().next().value as string)
    const file = { allow: 'members', minTls: '1.3', clockSkew } as const
    const camp = new Camp(new MeshView({ service: '', ...documents, logged: this.#logged, file }))
    this.#camps.set(key, camp)
    return camp
  }
}

const knownCamps = new WeakMap<MeshDocuments, string>()

/** Whoever believes the same trust statement, members and pins, whatever else, judges alike. */
export function campKey(documents: MeshDocuments): string {
  const key = knownCamps.get(documents) ?? campKeyOf(documents)
  knownCamps.set(documents, key)
  return key
}

function campKeyOf({ trust, bundle }: MeshDocuments): string {
  const digests = bundle.head.sections.flatMap(({ kind, digest }) =>
    kind === 'members' || kind === 'revoked' || kind === 'pins' || kind === 'transparency' ? [digest] : [],
  )
  return [formatDocumentNumber(trust.number), ...digests].join(' ')
}

const knownKeys = new WeakMap<TrustStatement, readonly string[]>()

export function keysOf(trust: TrustStatement): readonly string[] {
  const known = knownKeys.get(trust)
  if (known !== undefined) return known
  const { roots, issuingCas, bundleKeys, logs } = trust
  const keys = [...roots, ...issuingCas, ...logs]
    .map(({ spki }) => keyIdOf(spki))
    .concat(bundleKeys.map(keyIdOf))
  knownKeys.set(trust, keys)
  return keys
}
