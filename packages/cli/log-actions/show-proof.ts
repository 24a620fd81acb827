import { leafHash } from '@datapunk/log'
import { parseCertificate } from '@datapunk/pki'
import { CHECKPOINT_PATH } from '@datapunk/tlog'
import { certificateIn } from '../certificate/certificate-in.ts'
import { CliError } from '../cli-error.ts'
import type { LogProofDocument } from '../documents/log.ts'
import { type ExitCode, exitCode } from '../exit-code.ts'
import { promisedFor, prove } from '../logs/logged-certificate.ts'
import type { Asked } from './asked.ts'
import { holderOf, nothingInLog } from './find-entry.ts'

/** The proof is a document either way: it is for a program to check. */
export async function showProof({ context, trust, sources, subject }: Asked): Promise<ExitCode> {
  const { output } = context
  if (subject === '') throw new CliError('USAGE', 'found no FILE; allowed: `mtls log prove FILE`')
  const promised = promisedFor(parseCertificate(certificateIn(subject)), trust, context.world.clock())
  if (promised === undefined)
    throw nothingInLog(
      `promise for the certificate in ${subject}`,
      'one with an SCT of a log that the trust statement names',
    )
  const proving = prove(promised, holderOf(promised, sources))
  const { source, entry, proof } = await output.during('reading the log', proving)
  const { log, id, read } = source
  output.printJson({
    log: { id: Buffer.from(id, 'hex').toString('base64'), origin: log.origin, key: base64(log.spki) },
    checkpoint: Buffer.from((await read(CHECKPOINT_PATH)) ?? []).toString('utf8'),
    index: entry.leafIndex,
    timestamp: entry.timestamp,
    leafHash: base64(leafHash(entry)),
    proof: proof.map(base64),
  } satisfies LogProofDocument)
  return exitCode.done
}

function base64(octets: Uint8Array): string {
  return Buffer.from(octets).toString('base64')
}
