import {
  type Config,
  layoutOf,
  PROBE,
  probeName,
  type ServiceConfig,
  serviceSpiffeId,
} from '@datapunk/protocol'
import type { ServiceRow } from '../store/rows.ts'

/** Whoever probes asks for the pair when it is needed: one that ends soon leaves little behind. Days. */
const MAX_DAYS = 30

/** The probe as a config would name it, could it be named there: nobody may call it, and nowhere. */
export function probeService(config: Config): ServiceConfig {
  const { certificates, rotation, trustDomain } = config
  const { cert, key } = layoutOf(config).instance(PROBE)
  return {
    service: PROBE,
    commonName: probeName(trustDomain),
    spiffeId: serviceSpiffeId(trustDomain, PROBE),
    cert,
    key,
    allow: [],
    dnsNames: [probeName(trustDomain)],
    ipAddresses: [],
    address: undefined,
    listen: undefined,
    owner: undefined,
    group: undefined,
    mode: 0o600,
    validityDays: Math.min(MAX_DAYS, certificates.validityDays),
    renewAt: rotation.renewAt,
    ocspStapling: 'on',
    minTls: '1.3',
    delivery: 'mesh',
    reload: undefined,
  }
}

/** What the mesh is to have: the services of the file, and the probe once somebody has asked for it. */
export function withProbe(config: Config, known: Pick<ServiceRow, 'state'> | undefined): Config {
  if (known?.state !== 'member') return config
  return { ...config, services: new Map([...config.services, [PROBE, probeService(config)]]) }
}
