import { type Explanation, readMeshDocuments } from '@datapunk/mesh'
import { formatDocumentNumber } from '@datapunk/protocol'
import type { CommandSpec } from '../command-spec.ts'
import { type Context, loadConfig } from '../context.ts'
import type { ExplanationDocument, GateDocument, WhyDocument } from '../documents/why.ts'
import { exitCode } from '../exit-code.ts'
import { timeFrom, timeText } from '../text/time-text.ts'
import { recordsOf } from '../why/by-file.ts'
import { type Answer, answerOf, differs, type Gate, isAccepted } from '../why/call.ts'
import { gateText } from '../why/why-text.ts'

export const whyCommand: CommandSpec<{ at?: string; certificate?: string }> = {
  name: 'why',
  arguments: '<caller> <callee>',
  completes: 'services',
  summary: 'may this service call that one? every rule of both gates, with its evidence',
  description:
    'Walks the code of the handshake at both ends and tells each rule’s verdict with its evidence: by the bundle, which is what peers enforce, and by the config file, as `mtls apply` would publish it now. Every rule is told, not only the one that refuses. What only a handshake shows, OpenSSL’s own verdict and staples, is left out. Exits with 1 when either refuses, or when this user may not read a certificate and so can’t know: run it as root then, or as the user of `mtls up`.',
  options: [
    ['--at <time>', 'judge for another time than now: 2026-11-23T21:51:00Z, or from now on, as in +30d'],
    ['--certificate <file>', 'what the caller shows, instead of the certificate that the config names'],
  ],
  json: () => import('../documents/why.ts'),
  examples: [
    'mtls why nexus lake',
    'mtls why nexus lake --at +30d',
    'mtls why nexus lake --certificate old.crt',
  ],
  run(context, { at, certificate }, caller = '', callee = '') {
    const { clock } = context.world
    const config = loadConfig(context)
    const mesh = readMeshDocuments(config, { latest: clock() + config.authority.clockSkew })
    const time = at === undefined ? clock() : timeFrom('--at', at, clock())
    const records = recordsOf(config, clock)
    const answer = answerOf({ config, mesh, records, caller, callee, certificate, at: time })
    const bundle = formatDocumentNumber(mesh.bundle.head.number)
    if (context.json) context.output.printJson(documentOf(answer, bundle, time))
    else show(context, answer, bundle, time)
    return isAccepted(answer, 'byBundle') && isAccepted(answer, 'byFile') ? exitCode.done : exitCode.bad
  },
}

const UNREAD = 'a certificate that this user may not read'

function show({ output }: Context, answer: Answer, bundle: string, at: number): void {
  const { caller, callee, gates } = answer
  output.print(`${output.styled('strong', `${caller.service} → ${callee.service}`)} at ${timeText(at)}\n`)
  for (const { service, found, unread } of [caller, callee]) {
    const what = unread === undefined ? 'no certificate that can be found here' : UNREAD
    output.print(output.styled('quiet', `${service} shows ${found ?? what}\n`))
  }
  for (const gate of gates) output.print(`\n${gateText(gate, bundle, output)}`)
  if (caller.unread !== undefined || callee.unread !== undefined) {
    const told =
      'what is marked - about a certificate is left open: root, and the user that runs `mtls up`, may read them all'
    output.tell(output.toldStyled('warning', told))
  }
  if (differs(answer)) {
    const told =
      'file and bundle differ: `mtls plan` shows what would change, and `mtls apply` publishes what the file says'
    output.tell(output.toldStyled('warning', told))
  }
}

function documentOf(answer: Answer, bundle: string, at: number): WhyDocument {
  const { caller, callee, gates } = answer
  return {
    caller: caller.service,
    callee: callee.service,
    at: timeText(at),
    bundle,
    accepted: {
      byBundle: isAccepted(answer, 'byBundle') === true,
      byFile: isAccepted(answer, 'byFile') === true,
    },
    differs: differs(answer),
    certificates: { caller: caller.found ?? null, callee: callee.found ?? null },
    unread: { caller: caller.unread ?? null, callee: callee.unread ?? null },
    gates: gates.map(gateDocument),
  }
}

function gateDocument({ byBundle, byFile, ...gate }: Gate): GateDocument {
  return { ...gate, byBundle: explanationDocument(byBundle), byFile: explanationDocument(byFile) }
}

function explanationDocument({ refusal, unread, rules }: Explanation): ExplanationDocument {
  return {
    accepted: refusal === undefined && !unread,
    code: refusal?.rule ?? null,
    judged: refusal !== undefined || !unread,
    rules: rules.map((rule) => ({ ...rule, code: rule.code ?? null, fix: rule.fix ?? null })),
  }
}
