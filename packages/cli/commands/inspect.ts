import { checkProofOfPossession, PkiError, parseCertificate, parseCrl, parseCsr } from '@datapunk/pki'
import { certificateFacts, type Facts, listFacts, requestFacts } from '../certificate/certificate-facts.ts'
import { type PemBlock, pemBlocks } from '../certificate/pem-blocks.ts'
import { CliError } from '../cli-error.ts'
import type { CommandSpec } from '../command-spec.ts'
import { exitCode } from '../exit-code.ts'
import { readInput } from '../files.ts'
import { labelText } from '../text/label-text.ts'
import type { Output } from '../text/output.ts'

/** The public web's whole root store is a fifth of this. */
const MAX_BYTES = 1024 * 1024

export const inspectCommand: CommandSpec = {
  name: 'inspect',
  arguments: '<file>',
  summary: 'show what a certificate, chain, request or revocation list says',
  description:
    'Shows what every certificate, request and revocation list in a file says, PEM or DER; it trusts and checks nothing (`mtls verify` does). Private keys are passed over unread. Control characters in names are escaped.',
  json: () => import('../documents/inspect.ts'),
  examples: ['mtls inspect /etc/datapunk/certs/lake.crt', 'cat chain.pem | mtls inspect -'],
  async run({ output, json, world }, _, file = '') {
    const blocks = pemBlocks(await readInput(file, MAX_BYTES, world.stdin))
    const shown = blocks.filter(({ der }) => der !== undefined)
    const passedOver = blocks.filter(({ der }) => der === undefined).map(({ label }) => label)
    if (passedOver.length > 0) output.tell(`passed over, unread: ${passedOver.join(', ')}`)
    if (shown.length === 0) {
      throw new CliError(
        'NOTHING_TO_SHOW',
        `found no certificate, request or revocation list in ${file}; allowed: PEM or DER of one`,
      )
    }
    const facts = shown.map(factsOf)
    if (json) output.printJson(facts)
    else for (const [index, each] of facts.entries()) show(output, each, index, facts.length)
    return exitCode.done
  },
}

function factsOf({ label, der = new Uint8Array() }: PemBlock): Facts {
  if (label === 'CERTIFICATE') return certificateFacts(parseCertificate(der))
  if (label === 'CERTIFICATE REQUEST') return requestFactsOf(der)
  if (label === 'X509 CRL') return listFacts(parseCrl(der))
  try {
    return certificateFacts(parseCertificate(der))
  } catch (asCertificate) {
    for (const other of [requestFactsOf, (octets: Uint8Array) => listFacts(parseCrl(octets))]) {
      try {
        return other(der)
      } catch {
        // It is something else; what it is not as a certificate says most.
      }
    }
    throw asCertificate
  }
}

function requestFactsOf(der: Uint8Array): Facts {
  const request = parseCsr(der)
  return { ...requestFacts(request), keyProven: isKeyProven(() => checkProofOfPossession(request)) }
}

function isKeyProven(check: () => void): boolean {
  try {
    check()
    return true
  } catch (error) {
    if (error instanceof PkiError) return false
    throw error
  }
}

function show(output: Output, { type, ...facts }: Facts, index: number, count: number): void {
  const title = `${type}${count > 1 ? ` ${index + 1} of ${count}` : ''}`
  output.print(`${index > 0 ? '\n' : ''}${output.styled('strong', title)}\n`)
  const rows = Object.entries(facts).map(([name, value]) => [
    `  ${output.styled('quiet', labelText(name))}`,
    Array.isArray(value) ? value.join(', ') : String(value),
  ])
  output.print(output.table(rows))
}
