import {
  type CallEnd,
  type CallQuestion,
  type Explanation,
  explainCall,
  type MeshDocuments,
} from '@datapunk/mesh'
import { PkiError, parseCertificate } from '@datapunk/pki'
import { type Config, spellingHint } from '@datapunk/protocol'
import { certificateIn } from '../certificate/certificate-in.ts'
import { CliError } from '../cli-error.ts'
import { bundleByFile, type Records } from './by-file.ts'

/** The two gates of a call, each by what is published and by what the config file says. */
export interface Answer {
  readonly caller: Named
  readonly callee: Named
  readonly gates: readonly Gate[]
}

/** One gate. */
export interface Gate {
  /** Whose. */
  readonly self: string
  readonly peer: string
  /** `in`: the callee's, which lets the caller in; `out`: the caller's, which takes the callee for what it is. */
  readonly direction: 'in' | 'out'
  readonly byBundle: Explanation
  readonly byFile: Explanation
}

/** One end of the call, and where its certificate was found. */
interface Named extends CallEnd {
  /** A path, or `the inventory`; undefined where there is none. */
  readonly found: string | undefined
}

export interface CallRequest {
  readonly config: Config
  readonly mesh: MeshDocuments
  readonly records: Records
  readonly caller: string
  readonly callee: string
  /** The file with what the caller shows, instead of its own certificate. */
  readonly certificate: string | undefined
  /** Milliseconds since the epoch. */
  readonly at: number
}

/** @throws CliError `USAGE` for services that are neither in the file nor in the bundle; `FILE_UNREADABLE`, `NOTHING_TO_SHOW` */
export function answerOf(request: CallRequest): Answer {
  const { config, mesh, at, records, certificate } = request
  const caller = certificate === undefined ? endOf(request, request.caller) : shownBy(request, certificate)
  const callee = endOf(request, request.callee)
  const question = { trust: mesh.trust, clockSkew: config.authority.clockSkew, at, caller, callee }
  const byBundle = explainCall({ ...question, bundle: mesh.bundle } satisfies CallQuestion)
  const bundle = bundleByFile(config, mesh.bundle, records.members, at)
  const byFile = explainCall({ ...question, bundle } satisfies CallQuestion)
  const [from, to] = [request.caller, request.callee]
  return {
    caller,
    callee,
    gates: [
      { self: to, peer: from, direction: 'in', byBundle: byBundle.callee, byFile: byFile.callee },
      { self: from, peer: to, direction: 'out', byBundle: byBundle.caller, byFile: byFile.caller },
    ],
  }
}

/** @throws CliError `USAGE` for a certificate of somebody else, whose rights would be told as the caller's */
function shownBy(request: CallRequest, file: string): Named {
  const { config, mesh } = request
  const service = known(request, request.caller)
  const certificate = certificateIn(file)
  const own = (mesh.bundle.members.get(service) ?? config.services.get(service))?.spiffeId
  const other = spiffeIdsIn(certificate).find((id) => id !== own)
  if (other === undefined) return { service, certificate, found: file }
  const whose = mesh.bundle.memberBySpiffeId.get(other)?.service
  const right = whose === undefined ? '' : `, or \`mtls why ${whose} ${request.callee}\` for this one`
  throw new CliError(
    'USAGE',
    `found the certificate of ${other} in ${file}; allowed: one of the caller, ${own}${right}`,
  )
}

/** None where it can't be read: the rules say what is wrong with it. */
function spiffeIdsIn(certificate: Uint8Array): readonly string[] {
  try {
    return parseCertificate(certificate).extensions.subjectAltName?.uris ?? []
  } catch (error) {
    if (!(error instanceof PkiError)) throw error
    return []
  }
}

/** Its pair lies where the config says, or with a key elsewhere: then the authority has its certificate on record. */
function endOf(request: CallRequest, name: string): Named {
  const service = known(request, name)
  const file = request.config.services.get(service)?.cert
  let unread: string | undefined
  try {
    if (file !== undefined)
      return { service, certificate: certificateIn(file, { isForeign: true }), found: file }
  } catch (error) {
    if (!(error instanceof CliError)) throw error
    // A pair is for its owner alone: whoever asks for another service has it all but the certificate.
    if (isForbidden(error.cause)) unread = `${file} can’t be read by this user, so this is not judged`
  }
  const certificate = request.records.newestCertificate(service)
  if (certificate !== undefined) return { service, certificate, found: 'the inventory' }
  return { service, certificate, found: undefined, unread }
}

function isForbidden(cause: unknown): boolean {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code
  return code === 'EACCES' || code === 'EPERM'
}

function known({ config, mesh }: CallRequest, service: string): string {
  if (config.services.has(service) || mesh.bundle.members.has(service)) return service
  const names = [...new Set([...config.services.keys(), ...mesh.bundle.members.keys()])]
  const hint = spellingHint(service, names)
  throw new CliError(
    'USAGE',
    `found the service "${service}"${hint}, which is neither in ${config.file} nor in the mesh; allowed: ${names.slice(0, 20).join(', ')}`,
  )
}

/** Null: nothing that could be judged is against it, but not everything could be. */
export function isAccepted({ gates }: Answer, by: 'byBundle' | 'byFile'): boolean | null {
  const explanations = gates.map((gate) => gate[by])
  if (explanations.some(({ refusal }) => refusal !== undefined)) return false
  return explanations.some(({ unread }) => unread) ? null : true
}

/** Whether the file would have it otherwise than it is. */
export function differs({ gates }: Answer): boolean {
  return gates.some(({ byBundle, byFile }) => byBundle.refusal?.rule !== byFile.refusal?.rule)
}
