import type { Engine } from '../engine/engine.ts'
import { requireMesh } from '../engine/no-mesh.ts'
import { AuthorityError } from '../error.ts'
import { issueLeaf } from './issue.ts'
import { chainOf, withIssuer } from './issue-pair.ts'
import { provenKeyOf } from './proven-csr.ts'

/** A certificate of an operator, with what is above it. */
export interface IssuedOperator {
  readonly operator: string
  /** Lowercase hex. */
  readonly serial: string
  /** Milliseconds since the epoch. */
  readonly notAfter: number
  /** PEM: leaf, then issuing CA. */
  readonly certificate: string
}

/**
 * Story 1 for a person. The key is theirs and stays with them; what the certificate says is for the config to decide. Those
 * before it are good until their end: somebody may have a browser on two machines.
 *
 * @param csr PKCS#10, PEM or DER
 * @throws PkiError when the CSR can't be read, or its key is not the one that signed it; AuthorityError `NO_MESH`,
 *   `NOT_AN_OPERATOR`, `CSR_INVALID`
 */
export async function issueOperator(
  engine: Engine,
  operator: string,
  csr: Uint8Array,
): Promise<IssuedOperator> {
  requireMesh(engine)
  const { config, clock, report } = engine
  const { organization, country } = config.certificates
  const found = config.operators.get(operator)
  if (found === undefined) throw notAnOperator(operator, engine)
  const { spki, key } = provenKeyOf(engine, csr)
  const request = {
    ...{ commonName: operator, organization, country },
    ...{ dnsNames: [], ipAddresses: [], mustStaple: false },
    ...{ keyAlgorithm: key.algorithm, keySize: key.rsaBits ?? null },
  }
  const { spiffeId, validityDays } = found
  const leaf = { instance: undefined, profile: 'operator', spiffeId, validityDays, spki } as const
  return withIssuer(engine, async (issuer) => {
    const issued = await issueLeaf({ ...leaf, request }, issuer, engine)
    const { serial, notAfter } = issued
    const detail = { operator, serial, notAfter: new Date(notAfter).toISOString() }
    report({ kind: 'certificate-issued', subject: 'mesh', at: clock(), detail })
    return { operator, serial, notAfter, certificate: chainOf(issued.der, issuer) }
  })
}

function notAnOperator(operator: string, { config }: Pick<Engine, 'config'>): AuthorityError {
  const names = [...config.operators.keys()].slice(0, 20).join(', ')
  return new AuthorityError(
    'NOT_AN_OPERATOR',
    `found no operator ${operator}; allowed: ${names || 'none yet'}. Name them in the config, as in operators: { ${operator}: {} }`,
    { data: { found: operator } },
  )
}
