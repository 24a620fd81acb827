import { keyAlgorithmOf } from '@datapunk/pki'
import { consoleNamesOf, consoleSpiffeId } from '@datapunk/protocol'
import type { Engine } from '../engine/engine.ts'
import { issueLeaf } from './issue.ts'
import { chainOf, withIssuer } from './issue-pair.ts'

/** Its key is in memory only, and made anew for nothing. Days. */
const MAX_DAYS = 7

/**
 * Certifies the key of the process that serves the console to operators elsewhere. It is on record as of profile `authority`,
 * and of no instance, as what the authority itself shows to peers; but it is another name, so that peers don't take the one for
 * the other.
 *
 * @param spki DER SubjectPublicKeyInfo of a key that never leaves that process
 * @returns PEM: leaf, then issuing CA
 * @throws PkiError `LINT_FAILED` for a key that is none
 */
export async function issueConsole(engine: Engine, spki: Uint8Array): Promise<string> {
  const { config, clock, report } = engine
  const { trustDomain, certificates, authority } = config
  const { organization, country } = certificates
  const dnsNames = consoleNamesOf(config)
  const { algorithm, rsaBits = null } = keyAlgorithmOf(spki)
  const request = {
    ...{ commonName: dnsNames[0]!, dnsNames, ipAddresses: [], organization, country },
    ...{ keyAlgorithm: algorithm, keySize: rsaBits, mustStaple: false },
  }
  const leaf = {
    ...{ request, spki },
    instance: undefined,
    profile: 'authority',
    spiffeId: consoleSpiffeId(trustDomain),
    validityDays: Math.min(MAX_DAYS, authority.bundleDays),
  } as const
  return withIssuer(engine, async (issuer) => {
    const { serial, der, notAfter } = await issueLeaf(leaf, issuer, engine)
    const detail = { serial, notAfter: new Date(notAfter).toISOString() }
    report({ kind: 'certificate-issued', subject: 'authority', at: clock(), detail })
    return chainOf(der, issuer)
  })
}
