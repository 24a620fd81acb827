import { spkiOf } from '@datapunk/pki'
import { authorityName, authoritySpiffeId } from '@datapunk/protocol'
import type { Engine, OwnPairSeat } from '../engine/engine.ts'
import type { ServedPair } from '../engine/served-pair.ts'
import { certificateOf, isAnyGone, slotInUse } from '../engine/slots.ts'
import { issueLeaf } from '../issuing/issue.ts'
import { chainOf, withIssuer } from '../issuing/issue-pair.ts'
import { crowdedLogs } from '../scts/crowded-logs.ts'
import { isMadeAhead, latestTime } from '../timing/issued-ahead.ts'
import { nextTry } from '../timing/pace.ts'
import { slotsAbove } from '../waiting/late.ts'

/** Its key is in memory only, and made anew for nothing. Days. */
const MAX_DAYS = 7

const RENEW_AT = 0.5

/** Every peer in use must verify it, whatever the services' `key_algorithm` is: what RFC 8446 section 9.1 makes all TLS 1.3 support. */
const KEY_ALGORITHM = 'ecdsa-p256'

/**
 * What the authority shows peers on other hosts. Its key is made in this process and never leaves it: none is on disk, and
 * whoever starts anew makes another. Its certificate is on record like every other, as of profile `authority`, and belongs to
 * no instance, so that nothing that is said of members is said of it.
 */
export class OwnPair implements OwnPairSeat {
  #served: ServedPair | undefined
  #changed: (() => void) | undefined
  #failures = 0
  /** Of what has failed, and the issuing CA that it was tried under: that says nothing of another one. */
  #nextTryAt = 0
  #triedUnder = ''

  serve(changed: () => void): void {
    this.#changed = changed
  }

  get served(): ServedPair | undefined {
    return this.#served
  }

  get dueAt(): number | undefined {
    if (this.#changed === undefined) return undefined
    return this.#failures > 0 ? this.#nextTryAt : (this.#served?.renewalDue ?? Number.NEGATIVE_INFINITY)
  }

  /**
   * Makes a pair where there is none, or none that lasts: half of its life is over, or its issuing CA signs no more, or its log
   * is to go, or it was revoked, or it is of the future now. One that can't be made is told, and tried again later; the one
   * before it goes on until its end.
   */
  async renew(engine: Engine): Promise<void> {
    const { store, clock, randomBytes, report } = engine
    const now = clock()
    const issuing = slotInUse(store.slots(), 'issuing-ca')
    if (this.#changed === undefined || issuing === undefined) return
    const served = this.#served
    const row = served && store.certificate(served.serial)
    const isGood = row?.state === 'issued' && !isMadeAhead(row, certificateOf(issuing), latestTime(engine))
    const crowded = crowdedLogs(store.slots())
    const isUnderGood = served?.under.includes(issuing.id) && !served.under.some((slot) => crowded.has(slot))
    if (served !== undefined && isGood && isUnderGood && now < served.renewalDue) {
      this.#failures = 0
      return
    }
    if (this.#failures > 0 && now < this.#nextTryAt && this.#triedUnder === issuing.id) return
    const isUnderLiving = served !== undefined && !isAnyGone(served.under, store.slots())
    const mayWait = isGood && isUnderLiving && now < served.notAfter
    try {
      this.#served = await makePair(engine, { mayWait })
      this.#failures = 0
      this.#changed()
    } catch (cause) {
      const error = cause instanceof Error ? cause.message : String(cause)
      this.#nextTryAt = nextTry(now, ++this.#failures, randomBytes)
      this.#triedUnder = issuing.id
      const detail = { error, nextTryAt: new Date(this.#nextTryAt).toISOString() }
      report({ kind: 'issue-failed', subject: 'authority', at: now, detail })
    }
  }
}

/** Story 1 for the authority itself. */
async function makePair(engine: Engine, { mayWait }: { readonly mayWait: boolean }): Promise<ServedPair> {
  const { config, clock, report, makeKeyPair } = engine
  const { trustDomain, certificates, authority } = config
  const name = authorityName(trustDomain)
  const request = {
    commonName: name,
    dnsNames: [name],
    ipAddresses: [],
    organization: certificates.organization,
    country: certificates.country,
    keyAlgorithm: KEY_ALGORITHM,
    keySize: null,
    mustStaple: false,
  } as const
  const { privateKey, publicKey } = await makeKeyPair(KEY_ALGORITHM)
  const leaf = {
    instance: undefined,
    profile: 'authority',
    spiffeId: authoritySpiffeId(trustDomain),
    request,
    spki: spkiOf(publicKey),
    validityDays: Math.min(MAX_DAYS, authority.bundleDays),
    mayWait,
  } as const
  return withIssuer(engine, async (issuer) => {
    const { serial, der, notAfter } = await issueLeaf(leaf, issuer, engine)
    const at = clock()
    const detail = { serial, notAfter: new Date(notAfter).toISOString() }
    report({ kind: 'certificate-issued', subject: 'authority', at, detail })
    return {
      under: slotsAbove({ slot: issuer.slot, log: engine.store.certificate(serial)?.log }),
      serial,
      renewalDue: Math.ceil(at + RENEW_AT * (notAfter - at)),
      notAfter,
      certificate: chainOf(der, issuer),
      key: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
    }
  })
}
