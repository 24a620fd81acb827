import type { CommandSpec } from '../command-spec.ts'
import { applyCommand } from './apply.ts'
import { auditCommand } from './audit.ts'
import { backupCommand } from './backup.ts'
import { completionCommand } from './completion.ts'
import { compromiseCommand } from './compromise.ts'
import { consoleCommand } from './console.ts'
import { doctorCommand } from './doctor.ts'
import { eventsCommand } from './events.ts'
import { initCommand } from './init.ts'
import { inspectCommand } from './inspect.ts'
import { issueCommand } from './issue.ts'
import { logCommand } from './log.ts'
import { passphraseCommand } from './passphrase.ts'
import { pinsCommand } from './pins.ts'
import { planCommand } from './plan.ts'
import { probeCommand } from './probe.ts'
import { proxyCommand } from './proxy.ts'
import { restoreCommand } from './restore.ts'
import { revokeCommand } from './revoke.ts'
import { rotateCommand } from './rotate.ts'
import { schemaCommand } from './schema.ts'
import { statusCommand } from './status.ts'
import { upCommand } from './up.ts'
import { verifyCommand } from './verify.ts'
import { whyCommand } from './why.ts'

/** Every command there is, in the order in which a newcomer meets them. */
export const commandSpecs: readonly CommandSpec[] = [
  initCommand,
  planCommand,
  applyCommand,
  upCommand,
  statusCommand,
  eventsCommand,
  consoleCommand,
  doctorCommand,
  issueCommand,
  rotateCommand,
  revokeCommand,
  compromiseCommand,
  pinsCommand,
  logCommand,
  proxyCommand,
  whyCommand,
  probeCommand,
  verifyCommand,
  inspectCommand,
  auditCommand,
  backupCommand,
  restoreCommand,
  passphraseCommand,
  schemaCommand(() => commandSpecs),
  completionCommand(() => commandSpecs),
]
