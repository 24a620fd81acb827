import type { Mesh } from '@datapunk/mesh'
import { type MeshProxy, routeText } from '@datapunk/mesh/proxy'
import { formatDocumentNumber } from '@datapunk/protocol'
import type { Context } from '../context.ts'
import type { Style } from '../text/output.ts'
import { timeText } from '../text/time-text.ts'

/** Says what happens at a proxy: a line for people on stderr, or with `--json` a document on stdout. */
export class ProxyVoice {
  readonly #context: Context
  readonly #service: string

  constructor(context: Context, service: string) {
    this.#context = context
    this.#service = service
  }

  hearMesh(mesh: Mesh): void {
    mesh.on('refused', ({ rule, direction, peer, remote, message, fix, why }) =>
      this.say('refused', 'bad', `refused ${remote ?? ''}: ${message}: ${fix}`, {
        ...{ rule, direction, remote, peer: peer.service, serial: peer.serial, why },
      }),
    )
    mesh.on('cut', ({ direction, peer, remote, error }) =>
      this.say('cut', 'bad', error.message, {
        ...{ rule: error.data.rule, direction, remote, peer: peer.service, serial: peer.serial },
      }),
    )
    mesh.on('rotated', ({ from, to, notAfter }) =>
      this.say('rotated', 'good', `new certificate ${to} until ${timeText(notAfter)}`, {
        ...{ from, to, notAfter: timeText(notAfter) },
      }),
    )
    mesh.on('revoked', ({ serial }) =>
      this.say(
        'revoked',
        'bad',
        `its own certificate ${serial} is revoked: nobody is served and nobody called`,
        {
          serial,
        },
      ),
    )
    mesh.on('stale', ({ bundle, expiresAt, expired }) => {
      const until = timeText(expiresAt)
      const number = formatDocumentNumber(bundle)
      const message = expired
        ? `bundle ${number} ended at ${until}: nobody is served until \`mtls up\` signs a new one`
        : `no new bundle since ${number}, which ends at ${until}: see whether \`mtls up\` runs`
      this.say('stale', 'warning', message, { bundle: number, expiresAt: until, expired })
    })
    mesh.on('problem', ({ code, message }) => this.say('problem', 'bad', message, { code }))
  }

  hearProxy(proxy: MeshProxy): void {
    proxy.on('failed', ({ route, error: { code, message } }) =>
      this.say('failed', 'bad', message, { code, route: routeText(route) }),
    )
    proxy.on('full', ({ route, room }) => {
      const message = `no more than ${room} connections at once on this route (${routeText(route)}); allowed: more with a higher limit of open files: LimitNOFILE= in systemd, \`ulimit -n\` in a shell`
      this.say('full', 'bad', message, { room, route: routeText(route) })
    })
    proxy.on('problem', ({ route, error: { message } }) =>
      this.say('problem', 'bad', `${routeText(route)}: ${message}`, { route: routeText(route) }),
    )
  }

  say(kind: string, style: Style, message: string, detail: object): void {
    const { output, json, world } = this.#context
    const at = timeText(world.clock())
    if (json) {
      output.printJsonLine({ kind, subject: this.#service, at, detail: { ...detail, message } })
      return
    }
    output.tell(`${output.toldStyled('quiet', at)}  ${output.toldStyled(style, message)}`)
  }
}
