import type { Explanation, RuleVerdict } from '@datapunk/mesh'
import type { Output } from '../text/output.ts'
import { passedMark } from '../text/passed-mark.ts'
import type { Gate } from './call.ts'

/** What one gate says, rule by rule: where file and bundle say the same, once. */
export function gateText(gate: Gate, bundle: string, output: Output): string {
  const { self, peer, direction, byBundle, byFile } = gate
  const what = direction === 'in' ? `does ${self} let ${peer} in?` : `does ${peer} satisfy ${self}?`
  const rows = byBundle.rules.flatMap((rule) => ruleRows(rule, twin(rule, byFile), output))
  const head = ['  BUNDLE', 'FILE', 'RULE', ''].map((word) => output.styled('quiet', word))
  return `${output.styled('strong', what)} ${verdictText(byBundle, `bundle ${bundle}`, output)}, ${verdictText(byFile, 'the file', output)}\n${output.table([head, ...rows])}`
}

function verdictText({ refusal, unread }: Explanation, by: string, output: Output): string {
  if (refusal !== undefined) return `${output.styled('bad', 'NO')} by ${by} [${refusal.rule}]`
  return unread
    ? `${output.styled('warning', 'not refused')} by ${by} as far as this user may look`
    : `${output.styled('good', 'yes')} by ${by}`
}

function twin({ rule }: RuleVerdict, { rules }: Explanation): RuleVerdict | undefined {
  return rules.find((one) => one.rule === rule)
}

function ruleRows(byBundle: RuleVerdict, byFile: RuleVerdict | undefined, output: Output): string[][] {
  const { rule, message } = byBundle
  const marks = [
    `  ${passedMark(byBundle.passed, output)}     `,
    `${passedMark(byFile?.passed ?? null, output)}   `,
  ]
  if (byFile === undefined || byFile.message === message)
    return [[...marks, rule, withCode(byBundle)], ...fixRows(byBundle)]
  return [
    [...marks, rule, `by the bundle: ${withCode(byBundle)}`],
    ...fixRows(byBundle),
    ['', '', '', `by the file: ${withCode(byFile)}`],
    ...fixRows(byFile),
  ]
}

function withCode({ message, code }: RuleVerdict): string {
  return code === undefined ? message : `${message} [${code}]`
}

function fixRows({ fix }: RuleVerdict): string[][] {
  return fix === undefined ? [] : [['', '', '', `→ ${fix}`]]
}
