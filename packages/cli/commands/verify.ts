import { existsSync } from 'node:fs'
import { isIP } from 'node:net'
import { type MeshDocuments, readMeshDocuments } from '@datapunk/mesh'
import { type Certificate, type PeerName, parseCertificate } from '@datapunk/pki'
import { addressText, canonicalHost, formatDocumentNumber, type Member } from '@datapunk/protocol'
import { certificateIn } from '../certificate/certificate-in.ts'
import { remoteCertificate } from '../certificate/remote-certificate.ts'
import { type Verdict, verdictOn } from '../certificate/verdict.ts'
import { CliError } from '../cli-error.ts'
import type { CommandSpec } from '../command-spec.ts'
import { type Context, loadConfig } from '../context.ts'
import type { VerifyDocument } from '../documents/verify.ts'
import { exitCode } from '../exit-code.ts'
import { passedMark } from '../text/passed-mark.ts'
import { timeText } from '../text/time-text.ts'

export const verifyCommand: CommandSpec<{ name?: string; from?: string }> = {
  name: 'verify',
  arguments: '<file|host:port>',
  summary: 'would the mesh accept this certificate? rule by rule',
  description:
    'Judges a certificate as every peer of the mesh does: by the trust statement and the bundle, never by CAs that came along with it. Where a log has promised it (SCT), its entry is proven to be there, from the files of the log and nothing else. For HOST:PORT it asks the server for its certificate, showing none itself; HOST may be a name of the mesh, which is then found by its address, and checked. Exits with 1 when it is refused.',
  options: [
    ['--name <name>', 'who it must be for: a DNS name, IP address or SPIFFE ID'],
    ['--from <place>', 'a folder or URL with the objects of its log, instead of those that lie here'],
  ],
  json: () => import('../documents/verify.ts'),
  examples: ['mtls verify /etc/datapunk/certs/lake.crt', 'mtls verify lake.service.datapunk:8445'],
  async run(context, { name, from }, subject = '') {
    const config = loadConfig(context)
    const at = context.world.clock()
    const mesh = readMeshDocuments(config, { latest: at + config.authority.clockSkew })
    const wanted = name === undefined ? undefined : peerName(name)
    const isFile = existsSync(subject)
    const server = isFile ? undefined : serverPlace(subject)
    if (!isFile && server === undefined) throw neither(subject)
    const found: Found =
      server === undefined ? { der: certificateIn(subject) } : await fromServer(context, mesh, server)
    const certificate = parseCertificate(found.der)
    const judging = verdictOn({ config, certificate, mesh, at, name: wanted ?? found.name, from })
    const verdict = await context.output.during('reading the log', judging)
    report(context, certificate, mesh, verdict)
    return verdict.accepted ? exitCode.done : exitCode.bad
  },
}

function neither(subject: string): CliError {
  return new CliError(
    'FILE_UNREADABLE',
    `found no file ${subject}; allowed: a file with a certificate, or HOST:PORT of a server, as in lake.service.datapunk:8445`,
  )
}

/** A certificate, and who it must be for as far as the way it was found says so. */
interface Found {
  readonly der: Uint8Array
  readonly name?: PeerName | undefined
}

/** `host:port`, `[v6]:port`; undefined for whatever is not written like that. */
function serverPlace(text: string): { host: string; port: number } | undefined {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s/]+)):([0-9]{1,5})$/.exec(text)
  const port = Number(match?.[3])
  if (match === null || port < 1 || port > 65_535) return undefined
  return { host: canonicalHost(match[1] ?? match[2] ?? ''), port }
}

async function fromServer(
  { output }: Context,
  { bundle }: MeshDocuments,
  { host, port }: { host: string; port: number },
): Promise<Found> {
  const named = bundle.memberByName.get(host) ?? bundle.members.get(host)
  const member = named ?? memberAt(bundle.members.values(), host, port)
  const reference = bundle.memberByName.has(host) ? host : member?.dnsNames[0]
  const place = {
    host: (named?.address?.host ?? host) as string,
    port,
    serverName: reference === undefined || isIP(reference) ? undefined : reference,
  }
  const der = await output.during(`asking ${addressText(place.host, port)}`, remoteCertificate(place))
  return { der, name: reference === undefined ? undefined : peerName(reference) }
}

function memberAt(members: Iterable<Member>, host: string, port: number): Member | undefined {
  return [...members].find(({ address }) => address?.host === host && address.port === port)
}

function peerName(name: string): PeerName {
  if (name.includes('://')) return { uri: name }
  return isIP(name) ? { ip: name } : { dns: name }
}

function report(context: Context, certificate: Certificate, mesh: MeshDocuments, verdict: Verdict): void {
  const { output, json } = context
  const { subject, serial, notBefore, notAfter } = certificate
  const { generation, counter } = mesh.bundle.head.number
  const bundle = `${generation}.${counter}`
  if (json) {
    output.printJson({
      accepted: verdict.accepted,
      subject: subject.toString(),
      serial,
      notBefore: timeText(notBefore),
      notAfter: timeText(notAfter),
      trustStatement: formatDocumentNumber(mesh.trust.number),
      bundle,
      rules: verdict.rules,
    } satisfies VerifyDocument)
    return
  }
  const rows = verdict.rules.flatMap(({ rule, passed, message, fix }) => [
    [`  ${passedMark(passed, output)} ${rule}`, message],
    ...(fix === undefined ? [] : [['', `→ ${fix}`]]),
  ])
  const word = verdict.accepted ? output.styled('good', 'accepted') : output.styled('bad', 'REFUSED')
  output.print(`${word}: ${subject}, serial ${serial}\n${output.table(rows)}`)
  output.print(
    output.styled(
      'quiet',
      `by trust statement ${formatDocumentNumber(mesh.trust.number)} and bundle ${bundle}\n`,
    ),
  )
}
