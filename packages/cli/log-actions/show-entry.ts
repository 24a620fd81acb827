import { readIssuer } from '@datapunk/log'
import { parseCertificate } from '@datapunk/pki'
import { certificateFacts } from '../certificate/certificate-facts.ts'
import { type ExitCode, exitCode } from '../exit-code.ts'
import { certificateOf } from '../logs/entries.ts'
import { labelText } from '../text/label-text.ts'
import { instantText } from '../text/time-text.ts'
import type { Asked } from './asked.ts'
import { findEntry } from './find-entry.ts'

/** Shows one entry. */
export async function showEntry(asked: Asked): Promise<ExitCode> {
  const { output, json } = asked.context
  const { source, entry } = await output.during('reading the log', findEntry(asked))
  const issuers = await Promise.all(entry.chain.map((fingerprint) => readIssuer(source.read, fingerprint)))
  const { type: _, ...certificate } = certificateFacts(certificateOf(entry))
  const facts = {
    log: source.log.origin,
    index: entry.leafIndex,
    loggedAt: instantText(entry.timestamp),
    kind: entry.entry.type === 'precert_entry' ? 'precertificate' : 'certificate',
  }
  const above = issuers.map((der) => parseCertificate(der).subject.toString())
  if (json) output.printJson({ ...facts, certificate, issuers: above })
  else
    output.print(
      output.table(
        Object.entries({ ...facts, ...certificate, issuers: above }).map(([name, value]) => [
          output.styled('quiet', labelText(name)),
          Array.isArray(value) ? value.join('; ') : String(value),
        ]),
      ),
    )
  return exitCode.done
}
