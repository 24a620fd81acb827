import { oids } from '../../oids.ts'
import type { Profile } from '../../profiles/profile.ts'
import { everyProfile, type LintRule } from '../lint-rule.ts'

const allowed: Readonly<Record<Profile, ReadonlySet<string>>> = {
  root: new Set([
    oids.basicConstraints,
    oids.keyUsage,
    oids.subjectKeyIdentifier,
    oids.authorityKeyIdentifier,
  ]),
  cross: new Set([
    oids.basicConstraints,
    oids.keyUsage,
    oids.authorityKeyIdentifier,
    oids.subjectKeyIdentifier,
    oids.crlDistributionPoints,
    oids.authorityInfoAccess,
  ]),
  'issuing-ca': new Set([
    oids.basicConstraints,
    oids.keyUsage,
    oids.nameConstraints,
    oids.authorityKeyIdentifier,
    oids.subjectKeyIdentifier,
    oids.crlDistributionPoints,
    oids.authorityInfoAccess,
  ]),
  leaf: new Set([
    oids.subjectAltName,
    oids.keyUsage,
    oids.extendedKeyUsage,
    oids.basicConstraints,
    oids.authorityKeyIdentifier,
    oids.subjectKeyIdentifier,
    oids.crlDistributionPoints,
    oids.freshestCrl,
    oids.authorityInfoAccess,
    oids.tlsFeature,
  ]),
  operator: new Set([
    oids.subjectAltName,
    oids.keyUsage,
    oids.extendedKeyUsage,
    oids.basicConstraints,
    oids.authorityKeyIdentifier,
    oids.subjectKeyIdentifier,
    oids.crlDistributionPoints,
    oids.freshestCrl,
    oids.authorityInfoAccess,
  ]),
  // Nothing that says where to ask about it: that question would never end (RFC 9919 §3.2.2).
  'ocsp-signer': new Set([
    oids.keyUsage,
    oids.extendedKeyUsage,
    oids.basicConstraints,
    oids.authorityKeyIdentifier,
    oids.subjectKeyIdentifier,
    oids.ocspNoCheck,
  ]),
}

export const extensionsAreOfTheProfile: LintRule = {
  name: 'extensions-are-of-the-profile',
  source: 'our own profiles, packages/pki/profiles',
  profiles: everyProfile,
  check({ certificate, profile }) {
    const foreign = certificate.extensions.all.find(({ oid }) => !allowed[profile].has(oid))
    return foreign && `it has the extension ${foreign.oid}, which no ${profile} certificate of ours has`
  },
}
