import { existsSync } from 'node:fs'
import { layoutOf, PROBE } from '@datapunk/protocol'
import { countText } from '../text/action-text.ts'
import { type Examination, isNothingYet, isRead } from './examination.ts'
import type { Finding } from './finding.ts'

/** Whether there is a mesh, and its records are whole. */
export function recordFindings(examination: Examination): Finding[] {
  const { config, plan, status } = examination
  if (!isRead(plan)) {
    const { code, message } = plan.error
    const isForeign = /EACCES|EPERM/.test(message)
    return [
      {
        id: isForeign ? 'records-closed' : 'records-broken',
        severity: isForeign ? 'note' : 'error',
        subject: 'authority',
        found: `${message} [${code}]`,
        fix: isForeign
          ? `run \`mtls doctor\` as the owner of ${layoutOf(config).authority.dir} to have its records looked at too`
          : 'what the message says; `mtls restore FILE` where something is lost',
      },
    ]
  }
  if (isNothingYet(status)) return [noMesh(config.file)]
  const due = plan.actions.filter(({ subject }) => subject !== PROBE)
  if (due.length === 0 || isAtWork(examination)) return []
  const found = `the config file asks for ${countText(due.length, 'action')} that nobody has done`
  const fix = '`mtls plan` shows them, `mtls apply` does them'
  return [{ id: 'apply-due', severity: 'warning', subject: 'mesh', found, fix }]
}

/** Whether somebody does what is due by himself: one who runs, and did not fail at it last time. */
function isAtWork({ isRunning, status }: Examination): boolean {
  return isRunning === true && isRead(status) && status.fault === undefined
}

function noMesh(file: string): Finding {
  const found = `there is no mesh for ${file} yet`
  return { id: 'mesh-missing', severity: 'error', subject: 'mesh', found, fix: '`mtls apply` makes it' }
}

/** Whether what peers read can be believed. */
export function publishedFindings({ config, mesh, status }: Examination): Finding[] {
  const nothingYet = isNothingYet(status) && !existsSync(layoutOf(config).mesh.head)
  if (isRead(mesh) || nothingYet) return []
  const found = `${mesh.error.message} [${mesh.error.code}]`
  return [
    { id: 'published-broken', severity: 'error', subject: 'mesh', found, fix: '`mtls apply` writes it anew' },
  ]
}

/** Whether somebody keeps the mesh. */
export function authorityFindings({ isRunning, status }: Examination): Finding[] {
  if (isRunning === undefined && !isRead(status)) {
    const { code, message } = status.error
    const finding = { subject: 'authority', found: `${message} [${code}]` }
    const fix = 'what the message says'
    if (code === 'ADMIN_SILENT') return [{ id: 'authority-silent', severity: 'error', ...finding, fix }]
    if (code === 'VERSION_OTHER') return [{ id: 'authority-other', severity: 'error', ...finding, fix }]
    const asOwner = 'run `mtls doctor` as that user, or as root'
    return [{ id: 'authority-closed', severity: 'note', ...finding, fix: asOwner }]
  }
  if (isRunning || !isRead(status) || isNothingYet(status)) return []
  const found = 'no `mtls up` runs here: nothing is renewed, and nobody hears of a revocation but by file'
  return [{ id: 'authority-down', severity: 'warning', subject: 'authority', found, fix: '`mtls up`' }]
}

/** Why nothing can be published or issued now, as the authority says, by its own look or by its records. */
export function faultFindings({ status, plan }: Examination): Finding[] {
  const found = isRead(status) ? status.fault : undefined
  // What the records are refused for is told of them, and what is of the future by `clockFindings`.
  const told = [!isRead(plan) && plan.error.message, isRead(status) && status.ahead?.message]
  if (found === undefined || told.includes(found)) return []
  const fix = 'what the message says; until then nothing new is published or issued'
  return [{ id: 'authority-fault', severity: 'error', subject: 'authority', found, fix }]
}

/** Whether what is issued can be logged, and is looked for, as the running authority has found: nobody else opens its log. */
export function logFindings({ status }: Examination): Finding[] {
  if (!isRead(status)) return []
  const { failure, unread } = status.transparency
  const findings: Finding[] = []
  if (failure !== undefined) {
    const fix = 'what the message says; until then nothing is issued'
    findings.push({ id: 'log-unavailable', severity: 'error', subject: 'authority', found: failure, fix })
  }
  if (unread !== undefined) {
    const fix = 'what the message says; until then nobody sees what is logged in the name of this mesh'
    findings.push({ id: 'log-unread', severity: 'error', subject: 'authority', found: unread, fix })
  }
  return findings
}
