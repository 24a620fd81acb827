import { type Config, type Member, PROBE } from '@datapunk/protocol'
import type { Reader } from '../store/contract.ts'
import { MemoryStore } from '../store/memory.ts'
import type { ServiceRow } from '../store/rows.ts'
import { membersOf } from './members.ts'
import { withProbe } from './probe-service.ts'
import { encodeSettings, settingsOf } from './settings.ts'

/**
 * The members as `apply` would publish them, were every action of its plan done: what the config says, and with it what is
 * accepted until the last old certificate is gone.
 *
 * @param now milliseconds since the epoch
 * @param recorded where the certificates in use are on record; without it the config alone has to do
 */
export function wantedMembers(config: Config, now: number, recorded: Reader = new MemoryStore()): Member[] {
  const probe = recorded.services().find(({ service }) => service === PROBE)
  const wanted = [...withProbe(config, probe).services.values()].map(
    (service): ServiceRow => ({
      service: service.service,
      spiffeId: service.spiffeId,
      state: 'member',
      settings: encodeSettings(settingsOf(config, service)),
      since: now,
      barredAt: undefined,
    }),
  )
  return membersOf(
    {
      services: () => wanted,
      instances: () => recorded.instances(),
      liveCertificates: (after) => recorded.liveCertificates(after),
      currentCertificates: () => recorded.currentCertificates(),
      acknowledgements: () => recorded.acknowledgements(),
      attempts: () => recorded.attempts(),
      deliveries: () => recorded.deliveries(),
      certificate: (serial) => recorded.certificate(serial),
    },
    now,
  )
}
