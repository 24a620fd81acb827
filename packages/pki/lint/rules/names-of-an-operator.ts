import { parseSpiffeId } from '../../spiffe-id.ts'
import type { LintRule } from '../lint-rule.ts'

/** One label (RFC 1035 §2.3.1): without a dot, it is no DNS name to those who still read common names. */
const OPERATOR_PATH = /^\/operator\/([a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)$/

export const namesOfAnOperator: LintRule = {
  name: 'names-of-an-operator',
  source: 'X509-SVID §2, §3.1; our own profiles, packages/pki/profiles',
  profiles: ['operator'],
  check({ certificate: { subject, extensions } }) {
    const { names = [], uris = [] } = extensions.subjectAltName ?? {}
    const [uri = ''] = uris
    if (names.length !== 1 || uris.length !== 1)
      return `it has ${names.length} alternative names; exactly one is needed, the SPIFFE ID of an operator`
    const operator = operatorIn(uri)
    if (operator === undefined) return `its URI ${uri} is not the SPIFFE ID of an operator`
    return subject.commonName === operator
      ? undefined
      : `its common name is "${subject.commonName}", and its operator is ${operator}`
  },
}

function operatorIn(uri: string): string | undefined {
  try {
    return OPERATOR_PATH.exec(parseSpiffeId(uri).path)?.[1]
  } catch {
    return undefined
  }
}
