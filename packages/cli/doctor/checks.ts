import { bundleFindings, clockFindings } from './bundle-findings.ts'
import { diskFindings } from './disk-findings.ts'
import type { Examination } from './examination.ts'
import type { Finding, Severity } from './finding.ts'
import { nameFindings, portFindings, reachFindings } from './network-findings.ts'
import { caFindings, pairFindings, renewalFindings } from './pair-findings.ts'
import { ownerFindings, permissionFindings } from './permission-findings.ts'
import { rightFindings } from './right-findings.ts'
import { backupFindings, protectionFindings } from './safety-findings.ts'
import {
  authorityFindings,
  faultFindings,
  logFindings,
  publishedFindings,
  recordFindings,
} from './state-findings.ts'
import { nodeFindings, versionFindings } from './version-findings.ts'

type Check = (examination: Examination) => readonly Finding[] | Promise<readonly Finding[]>

/** Everything that is looked at. None of it changes anything. */
const checks: readonly Check[] = [
  recordFindings,
  publishedFindings,
  authorityFindings,
  faultFindings,
  logFindings,
  permissionFindings,
  ownerFindings,
  pairFindings,
  renewalFindings,
  caFindings,
  bundleFindings,
  clockFindings,
  diskFindings,
  portFindings,
  nameFindings,
  reachFindings,
  protectionFindings,
  backupFindings,
  rightFindings,
  nodeFindings,
  versionFindings,
]

const ORDER: Readonly<Record<Severity, number>> = { error: 0, warning: 1, note: 2 }

/** What is worst comes first. */
export async function findingsOf(examination: Examination): Promise<readonly Finding[]> {
  const found = await Promise.all(checks.map((check) => findingsBy(check, examination)))
  return found.flat().sort((a, b) => ORDER[a.severity] - ORDER[b.severity])
}

/** One that fails keeps nobody from what the others find. */
async function findingsBy(check: Check, examination: Examination): Promise<readonly Finding[]> {
  try {
    return await check(examination)
  } catch (error) {
    const found = `not all could be looked at: ${error instanceof Error ? error.message : String(error)}`
    const fix = 'what the message says; where it says nothing, please report it'
    return [{ id: 'check-failed', severity: 'error', subject: 'mesh', found, fix }]
  }
}
