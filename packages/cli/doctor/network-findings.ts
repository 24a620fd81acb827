import { isIP } from 'node:net'
import { addressText } from '@datapunk/protocol'
import { type Examination, isNothingYet } from './examination.ts'
import type { Finding } from './finding.ts'

/** Whether the authority has the ports that the config gives it. */
export async function portFindings({ config, system, isRunning }: Examination): Promise<Finding[]> {
  // Who may not ask for it can't tell the authority from somebody else at its port.
  if (isRunning === undefined) return []
  const { listen, http } = config.authority
  const places = [
    ['authority.listen', listen, '`mtls up` will not start'],
    ['authority.http', http, '`mtls up` starts without it, and lists and OCSP will be served to nobody'],
  ] as const
  const findings = places.map(async ([setting, address, consequence]): Promise<Finding[]> => {
    if (address?.port === undefined) return []
    const failure = await system.connectFailure(reachable(address.host), address.port)
    const isTaken = !isRunning && failure === undefined
    const place = addressText(address.host, address.port)
    if (isTaken) {
      const found = `somebody else listens at ${place}, so ${consequence}`
      const fix = `\`ss -ltnp\` shows who; or another ${setting}`
      return [{ id: 'port-taken', severity: 'error', subject: setting, found, fix }]
    }
    if (!isRunning || failure === undefined) return []
    const found = `the running authority does not answer at ${place} (${failure})`
    return [
      {
        id: 'port-silent',
        severity: 'error',
        subject: setting,
        found,
        fix: '`mtls events` says why; restart `mtls up`',
      },
    ]
  })
  return (await Promise.all(findings)).flat()
}

/** A wildcard is nowhere to go to. */
function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  return host === '::' ? '::1' : host
}

/** Whether callers find a service: its address, or its first name. */
export async function nameFindings({ config, system, status }: Examination): Promise<Finding[]> {
  if (isNothingYet(status)) return []
  const hosts = [...config.services.values()].flatMap(({ service, address, listen, dnsNames }) => {
    const host = address?.host ?? (listen === undefined ? undefined : dnsNames[0])
    return host === undefined || isIP(host) !== 0 ? [] : [{ service, host }]
  })
  const findings = hosts.map(async ({ service, host }): Promise<Finding[]> => {
    const failure = await system.resolveFailure(host)
    if (failure === undefined) return []
    const found = `the name ${host} leads nowhere from here (${failure}), so nobody here finds it`
    const fix = `let DNS know ${host}, or say in services.${service}.address where it is`
    return [{ id: 'name-unresolved', severity: 'warning', subject: service, found, fix }]
  })
  return (await Promise.all(findings)).flat()
}

/** Whether somebody listens where callers are sent. */
export async function reachFindings({ config, system, status }: Examination): Promise<Finding[]> {
  if (isNothingYet(status)) return []
  const places = [...config.services.values()].flatMap(({ service, address }) =>
    address?.port === undefined ? [] : [{ service, address: { host: address.host, port: address.port } }],
  )
  const findings = places.map(async ({ service, address }): Promise<Finding[]> => {
    const failure = await system.connectFailure(address.host, address.port)
    // That the name leads nowhere is told already.
    if (failure === undefined || failure === 'ENOTFOUND') return []
    const found = `nobody answers at ${addressText(address.host, address.port)} (${failure})`
    const fix = `start ${service}, or see services.${service}.address, routes and firewalls`
    return [{ id: 'service-unreachable', severity: 'warning', subject: service, found, fix }]
  })
  return (await Promise.all(findings)).flat()
}
