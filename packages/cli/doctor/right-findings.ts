import type { Status } from '@datapunk/authority'
import { type Examination, isRead } from './examination.ts'
import type { Finding } from './finding.ts'

/** Who is named in `allow`, and is not connected: a right that nobody uses is one to lose. */
export function rightFindings({ config, status }: Examination): Finding[] {
  if (!isRead(status) || status.meshId === undefined) return []
  const rights = [...config.services.values()].flatMap(({ service, allow }) =>
    allow === 'members' ? [] : [...allow].map((caller) => ({ caller, callee: service })),
  )
  const callees = new Set(rights.map(({ callee }) => callee))
  const silent = [...callees].filter((callee) => !isReporting(status, callee))
  const unused = rights.filter((right) => isReporting(status, right.callee) && !isUsed(status, right))
  return [...unused.map(unusedRight), ...(silent.length === 0 ? [] : [unknownRights(silent)])]
}

function isReporting({ services }: Status, service: string): boolean {
  return services.some((one) => one.service === service && one.reporting > 0)
}

interface Right {
  readonly caller: string
  readonly callee: string
}

function isUsed({ links }: Status, { caller, callee }: Right): boolean {
  return links.some((link) => link.caller === caller && link.callee === callee)
}

function unusedRight({ caller, callee }: Right): Finding {
  return {
    id: 'right-unused',
    severity: 'note',
    subject: callee,
    found: `${caller} may call it, and has no connection with it now, by its own report`,
    fix: `where it needs none, take ${caller} out of services.${callee}.allow, and \`mtls apply\``,
  }
}

function unknownRights(callees: readonly string[]): Finding {
  return {
    id: 'rights-unknown',
    severity: 'note',
    subject: 'mesh',
    found: `no live process of ${callees.join(', ')} reports whom it is connected with, so nobody knows which rights to call it are used`,
    fix: 'run `mtls up`, and `mtls doctor` while services run; those that read files never report',
  }
}
