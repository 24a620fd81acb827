import { existsSync } from 'node:fs'
import { AuthorityReader } from '@datapunk/authority'
import { LogError, verifyLog } from '@datapunk/log'
import { PkiError, parseCertificate } from '@datapunk/pki'
import type { TrustStatement } from '@datapunk/protocol'
import { EMPTY_ROOT, TlogError } from '@datapunk/tlog'
import { certificateIn } from '../certificate/certificate-in.ts'
import { type Context, loadConfig } from '../context.ts'
import type { LogVerdictDocument, WholeLogDocument } from '../documents/log.ts'
import { type ExitCode, exitCode } from '../exit-code.ts'
import type { LogSource } from '../logs/log-source.ts'
import { type Promised, promisedFor, prove } from '../logs/logged-certificate.ts'
import type { Output } from '../text/output.ts'
import { instantText, timeText } from '../text/time-text.ts'
import type { Asked } from './asked.ts'

/** Holds each log against its checkpoint. One that is damaged, or can't be reached, says nothing of the others. */
export async function verifyLogs(asked: Asked): Promise<ExitCode> {
  const { context, sources } = asked
  const { output, json } = context
  const documents: LogVerdictDocument[] = []
  for (const source of sources) {
    const document = await verdictOn(asked, source)
    documents.push(document)
    if (json) continue
    if ('error' in document) {
      const { log, error } = document
      output.tell(`${output.toldStyled('bad', 'not verified')}: ${log}: ${error.message} [${error.code}]`)
    } else printVerdict(output, document)
  }
  if (json) output.printJson(documents)
  return documents.some((document) => 'error' in document) ? exitCode.bad : exitCode.done
}

/** @throws what is no fault of the log, nor of what is read of it */
async function verdictOn({ context, trust }: Asked, source: LogSource): Promise<LogVerdictDocument> {
  const { origin: log } = source.log
  try {
    const checkpoint = await context.output.during(`reading ${log}`, verifyLog(source.read, source.log))
    const promised = promisedHere(context, trust, source)
    if (checkpoint === undefined) checkEmpty(context, source, promised)
    const inUse = await entriesInUse(promised, source)
    const { size, root, timestamp } = checkpoint ?? EMPTY
    const signedAt = timestamp === undefined ? null : instantText(timestamp)
    return { log, size, root: Buffer.from(root).toString('base64'), signedAt, inUse }
  } catch (cause) {
    if (cause instanceof LogError || cause instanceof TlogError || cause instanceof PkiError) {
      const { code, message } = cause
      return { log, error: { code, message } }
    }
    throw cause
  }
}

function printVerdict(output: Output, { log, size, signedAt, inUse }: WholeLogDocument): void {
  const signed = signedAt === null ? 'none signed yet' : `signed ${timeText(Date.parse(signedAt))}`
  output.print(`${output.styled('good', 'whole')}: ${log}, ${size} entries, ${signed}\n`)
  output.print(
    output.table(
      inUse.map(({ service, index }) => [`  ${service}`, `its certificate in use is entry ${index}`]),
    ),
  )
}

/** What a log shows that has signed nothing. */
const EMPTY = { size: 0, root: EMPTY_ROOT, timestamp: undefined }

interface PromisedHere {
  readonly service: string
  readonly promised: Promised
}

/** Of each service whose certificate lies here and was promised by this log. */
function promisedHere(context: Context, trust: TrustStatement, source: LogSource): PromisedHere[] {
  const found: PromisedHere[] = []
  for (const [service, { cert }] of loadConfig(context).services) {
    if (!existsSync(cert)) continue
    const certificate = parseCertificate(certificateIn(cert, { isForeign: true }))
    const promised = promisedFor(certificate, trust, context.world.clock())
    if (promised?.sct.log === source.id) found.push({ service, promised })
  }
  return found
}

async function entriesInUse(
  here: readonly PromisedHere[],
  source: LogSource,
): Promise<{ readonly service: string; readonly index: number }[]> {
  const found: { service: string; index: number }[] = []
  for (const { service, promised } of here) {
    await prove(promised, source)
    found.push({ service, index: promised.leafIndex })
  }
  return found
}

/**
 * A log without a checkpoint is one that holds nothing yet, or is damaged.
 *
 * @throws LogError `LOG_WRONG` it has promised to hold something
 */
function checkEmpty(context: Context, { log }: LogSource, promised: readonly PromisedHere[]): void {
  if (promised.length === 0 && !isOnRecord(context, log.spki)) return
  throw new LogError(
    'LOG_WRONG',
    `found no checkpoint in the log ${log.origin}, and certificates that it has promised to hold; allowed: the one that it has signed last. Put that back; of the log in use \`mtls up\` writes it again when it starts, where all else is there`,
  )
}

function isOnRecord(context: Context, spki: Uint8Array): boolean {
  const observation = new AuthorityReader({ config: loadConfig(context), clock: context.world.clock })
  try {
    return observation.hasPromised(spki)
  } finally {
    observation.close()
  }
}
