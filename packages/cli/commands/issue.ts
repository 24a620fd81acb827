import { withAdministration } from '../administration.ts'
import { pemBlocks } from '../certificate/pem-blocks.ts'
import { CliError } from '../cli-error.ts'
import type { CommandSpec } from '../command-spec.ts'
import type { Context } from '../context.ts'
import type { IssueDocument, IssueOperatorDocument } from '../documents/issue.ts'
import { type ExitCode, exitCode } from '../exit-code.ts'
import { proveWritable, readInput, writeOutput } from '../files.ts'
import { timeText } from '../text/time-text.ts'

/** The authority takes no larger CSR; this is only so that no larger file is read. */
const MAX_CSR_BYTES = 64 * 1024

interface IssueOptions {
  readonly csr?: string
  readonly out?: string
  readonly operator?: string
}

export const issueCommand: CommandSpec<IssueOptions> = {
  name: 'issue',
  arguments: '[service]',
  completes: 'services',
  summary: 'a new certificate for a service, or for an operator, now',
  description:
    'Makes a new pair for a service, now, and swaps it in. With --csr the key stays where it is: the request shows that somebody has it, and the chain (leaf, then issuing CA) goes to stdout. With --operator, and always with --csr, it is for a person whom the config names, who opens the console with it. What a certificate says is always what the config says, never what a request asks for.',
  options: [
    ['--csr <file>', 'a PKCS#10 request, PEM or DER, for a key that lives elsewhere; - is stdin'],
    ['--out <file>', 'write the chain (PEM) to this file'],
    ['--operator <name>', 'one of the config’s operators, instead of a service'],
  ],
  json: () => import('../documents/issue.ts'),
  examples: [
    'mtls issue lake',
    'mtls issue lake --csr lake.csr --out lake.crt',
    'mtls issue --operator alice --csr alice.csr --out alice.crt',
  ],
  async run(context, { csr, out, operator }, service = '') {
    const { output, json, world } = context
    if ((operator === undefined) === (service === ''))
      throw new CliError('USAGE', 'found neither a service nor --operator, or both; allowed: one of them')
    if (operator !== undefined) return issueOperator(context, { operator, csr, out })
    const request = csr === undefined ? undefined : await readRequest(csr, world.stdin)
    proveWritable(out)
    const options = { purpose: 'issue' }
    return withAdministration(context, options, async (administration, config) => {
      const issuing =
        request === undefined ? administration.issue(service) : administration.issueForCsr(service, request)
      const issued = await output.during(`issuing for ${service}`, issuing)
      const { instance, serial, notAfter, certificate } = issued
      const failure = writtenTo(out, certificate)
      if (json) {
        const document: IssueDocument = {
          service,
          instance,
          serial,
          notAfter: timeText(notAfter),
          certificate,
        }
        output.printJson(document)
      } else if (failure !== undefined || (request !== undefined && out === undefined)) {
        output.print(certificate)
      }
      const own = request === undefined ? config.services.get(service)?.cert : undefined
      const place = failure === undefined ? (out ?? own) : 'what stdout got'
      const where = place === undefined ? '' : `, in ${place}`
      output.tell(`${instance}: serial ${serial}, until ${timeText(notAfter)}${where}`)
      if (failure !== undefined) throw failure
      return exitCode.done
    })
  },
}

async function issueOperator(
  context: Context,
  {
    operator,
    csr,
    out,
  }: { readonly [Name in keyof IssueOptions]-?: string | undefined } & {
    readonly operator: string
  },
): Promise<ExitCode> {
  const { output, json, world } = context
  if (csr === undefined)
    throw new CliError(
      'USAGE',
      'found --operator without --csr; allowed: both, because the key of a person is made where it stays',
    )
  const request = await readRequest(csr, world.stdin)
  proveWritable(out)
  return withAdministration(context, { purpose: 'issue' }, async (administration) => {
    const issuing = administration.issueOperator(operator, request)
    const { serial, notAfter, certificate } = await output.during(`issuing for ${operator}`, issuing)
    const failure = writtenTo(out, certificate)
    const document: IssueOperatorDocument = { operator, serial, notAfter: timeText(notAfter), certificate }
    if (json) output.printJson(document)
    else if (failure !== undefined || out === undefined) output.print(certificate)
    const place = failure === undefined ? out : 'what stdout got'
    const where = place === undefined ? '' : `, in ${place}`
    output.tell(`operator ${operator}: serial ${serial}, until ${timeText(notAfter)}${where}`)
    if (failure !== undefined) throw failure
    return exitCode.done
  })
}

/** @returns why it could not be written, so that it goes to stdout instead: it is issued, and would be lost */
function writtenTo(out: string | undefined, certificate: string): CliError | undefined {
  try {
    if (out !== undefined) writeOutput(out, certificate)
    return undefined
  } catch (error) {
    if (error instanceof CliError) return error
    throw error
  }
}

async function readRequest(file: string, stdin: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const [block] = pemBlocks(await readInput(file, MAX_CSR_BYTES, stdin))
  if (block?.der !== undefined && block.label !== 'CERTIFICATE') return block.der
  const found = block === undefined ? 'neither PEM nor DER' : `a ${block.label}`
  throw new CliError(
    'FILE_UNREADABLE',
    `found ${found} in ${file}; allowed: a certificate request (PKCS#10), PEM or DER`,
  )
}
