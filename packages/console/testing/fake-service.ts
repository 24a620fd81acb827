import { createHash } from 'node:crypto'
import type {
  ConsoleCertificate,
  ConsoleInstance,
  ConsoleService,
  ConsoleServiceDetail,
} from '@datapunk/protocol/console'

const HOUR = 60 * 60 * 1000
const DAY = 24 * HOUR
const LIFE = 90 * DAY

interface FakeInstance {
  readonly instance: string
  certificates: ConsoleCertificate[]
  live: number
  enforced: string | null
}

/** A service of the fake mesh: its number decides everything that is not done to it. */
export class FakeService {
  readonly service: string
  readonly instances: FakeInstance[]
  barred = false
  /** Why it needs a look; undefined where it does not. */
  trouble: string | undefined

  /** @param number of the service in its mesh, from 0 @param now milliseconds since the epoch */
  constructor(service: string, number: number, now: number, bundle: string) {
    this.service = service
    const count = number % 7 === 3 ? 3 : number % 3 === 2 ? 2 : 1
    this.instances = Array.from({ length: count }, (_, at) => {
      const instance = count === 1 ? service : `${service}-${at + 1}`
      const issuedAt = now - ((number * 37 + at * 11) % 50) * DAY - HOUR
      const earlier = certificate(instance, 0, issuedAt - 60 * DAY, 'issued')
      const current = certificate(instance, 1, issuedAt, 'current')
      return { instance, certificates: [current, earlier], live: 1, enforced: bundle }
    })
  }

  get isLive(): boolean {
    return this.instances.some(({ live }) => live > 0)
  }

  /** A new certificate for each instance. */
  rotate(now: number): void {
    for (const one of this.instances) {
      const earlier = one.certificates.map((each) => ({ ...each, state: earlierState(each.state) }))
      one.certificates = [certificate(one.instance, earlier.length, now, 'current'), ...earlier]
    }
  }

  /** @returns the serials that were revoked */
  revoke(now: number, reason: string, serial?: string): string[] {
    const revoked: string[] = []
    for (const one of this.instances) {
      one.certificates = one.certificates.map((each) => {
        if (each.revokedAt !== null || (serial !== undefined && each.serial !== serial)) return each
        revoked.push(each.serial)
        return { ...each, state: 'revoked', revokedAt: now, reason }
      })
    }
    if (serial === undefined) this.barred = true
    return revoked
  }

  view(bundle: string): ConsoleService {
    const late = this.instances.filter((one) => one.live > 0 && one.enforced !== bundle)
    const notes = [
      ...(this.barred ? [`revoked: it gets no certificate until \`mtls issue ${this.service}\``] : []),
      ...(this.trouble === undefined ? [] : [this.trouble]),
      ...late.map(({ instance, enforced }) => `late: ${instance} enforces ${enforced}, and ${bundle} is out`),
      ...(this.isLive ? [] : ['no process of it speaks to the authority']),
    ]
    return {
      service: this.service,
      state:
        this.barred || this.trouble ? 'bad' : late.length > 0 ? 'warning' : this.isLive ? 'good' : 'quiet',
      notes,
      names: [`${this.service}.service.datapunk`],
      barred: this.barred,
      instances: this.instances.map((one) => instanceView(one)),
    }
  }

  detail(peersSince: number): ConsoleServiceDetail {
    const certificates = this.instances.flatMap((one) => one.certificates)
    return {
      service: this.service,
      spiffeId: `spiffe://service.datapunk/${this.service}`,
      callers: 'members',
      certificates: certificates.toSorted((a, b) => b.notBefore - a.notBefore),
      pins: this.instances.flatMap(({ instance }) => [
        { spkiHash: digest(`${instance} key 1`), of: 'current' },
        { spkiHash: digest(`${instance} key 2`), of: 'next' },
      ]),
      peers: this.instances.flatMap(({ instance, live, enforced, certificates }) =>
        Array.from({ length: live }, () => ({
          ...{
            instance,
            version: '0.1.0',
            since: peersSince,
            serial: certificates[0]!.serial,
            enforced,
            open: 4,
          },
          refused: this.trouble === undefined ? {} : { NOT_A_MEMBER: 3 },
          reported: {},
          refusal: null,
        })),
      ),
    }
  }
}

function instanceView({ instance, certificates, live, enforced }: FakeInstance): ConsoleInstance {
  const current = certificates.find(({ state }) => state === 'current')
  return {
    ...{ instance, place: 'here', live, enforced: live > 0 ? enforced : null, delivery: 'proven' },
    notBefore: current?.notBefore ?? null,
    renewalDue: current === undefined ? null : current.notBefore + LIFE * 0.67,
  }
}

function certificate(
  instance: string,
  count: number,
  notBefore: number,
  state: ConsoleCertificate['state'],
): ConsoleCertificate {
  return {
    ...{ serial: serialOf(`${instance} ${count}`), instance, notBefore, notAfter: notBefore + LIFE, state },
    ...{ revokedAt: null, reason: null, issuer: 'issuing-ca-1', log: 'log-1' },
    staple:
      state === 'current' ? { status: 'good', thisUpdate: notBefore, nextUpdate: notBefore + LIFE } : null,
  }
}

function earlierState(state: ConsoleCertificate['state']): ConsoleCertificate['state'] {
  return state === 'current' ? 'issued' : state
}

/** 128 bits, and positive as they stand. */
function serialOf(text: string): string {
  return `5${digest(text).slice(1, 32)}`
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
