import type { LintRule } from './lint-rule.ts'

export const lintRules: readonly LintRule[] = []
