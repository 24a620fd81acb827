import type { LintRule } from '../lint-rule.ts'

export const issuingCaHasAPathLength: LintRule = {
  name: 'issuing-ca-has-a-path-length',
  source: 'our own profiles, packages/pki/profiles',
  profiles: ['issuing-ca'],
  check: ({ certificate: { extensions } }) =>
    extensions.basicConstraints?.pathLength === undefined
      ? 'it has no path length, so more CAs could follow it without end'
      : undefined,
}
