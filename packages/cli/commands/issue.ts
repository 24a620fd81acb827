import { withAdministration } from '../administration.ts'
import { CliError } from '../cli-error.ts'
import type { CommandSpec } from '../command-spec.ts'
import type { IssueDocument } from '../documents/issue.ts'
import { exitCode } from '../exit-code.ts'
import { readInput, writeOutput } from '../files.ts'
import { pemBlocks } from '../pem-blocks.ts'
import { timeText } from '../time-text.ts'

/** The authority takes no larger CSR; this is only so that no larger file is read. */
const MAX_CSR_BYTES = 64 * 1024

export const issueCommand: CommandSpec<{ csr?: string; out?: string }> = {
  name: 'issue',
  arguments: '<service>',
  completes: 'services',
  summary: 'a new certificate for a service, now',
  description:
    'Makes a new pair for a service, now, and swaps it in. With --csr the key stays where it is: the request shows that somebody has it, and the chain (leaf, then issuing CA) goes to stdout. What a certificate says is always what the config says, never what a request asks for.',
  options: [
    ['--csr <file>', 'a PKCS#10 request, PEM or DER, for a key that lives elsewhere; - is stdin'],
    ['--out <file>', 'write the chain (PEM) to this file'],
  ],
  json: () => import('../documents/issue.ts'),
  examples: ['mtls issue lake', 'mtls issue lake --csr lake.csr --out lake.crt'],
  async run(context, { csr, out }, service = '') {
    const { output, json, world } = context
    const request = csr === undefined ? undefined : await readRequest(csr, world.stdin)
    const options = { purpose: 'issue' }
    return withAdministration(context, options, async (administration, config) => {
      const issuing =
        request === undefined ? administration.issue(service) : administration.issueForCsr(service, request)
      const issued = await output.during(`issuing for ${service}`, issuing)
      const { instance, serial, notAfter, certificate } = issued
      if (out !== undefined) writeOutput(out, certificate)
      if (json) {
        const document: IssueDocument = {
          service,
          instance,
          serial,
          notAfter: timeText(notAfter),
          certificate,
        }
        output.printJson(document)
      } else if (request !== undefined && out === undefined) {
        output.print(certificate)
      }
      const place = out ?? (request === undefined ? config.services.get(service)?.cert : undefined)
      const where = place === undefined ? '' : `, in ${place}`
      output.tell(`${instance}: serial ${serial}, until ${timeText(notAfter)}${where}`)
      return exitCode.done
    })
  },
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
