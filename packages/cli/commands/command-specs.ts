import type { CommandSpec } from '../command-spec.ts'

/** Every command there is, in the order in which a newcomer meets them. Each is loaded by itself: to load all takes longer than most commands run. */
const commands: Readonly<Record<string, () => Promise<CommandSpec>>> = {
  init: async () => (await import('./init.ts')).initCommand,
  plan: async () => (await import('./plan.ts')).planCommand,
  apply: async () => (await import('./apply.ts')).applyCommand,
  up: async () => (await import('./up.ts')).upCommand,
  status: async () => (await import('./status.ts')).statusCommand,
  events: async () => (await import('./events.ts')).eventsCommand,
  console: async () => (await import('./console.ts')).consoleCommand,
  doctor: async () => (await import('./doctor.ts')).doctorCommand,
  issue: async () => (await import('./issue.ts')).issueCommand,
  rotate: async () => (await import('./rotate.ts')).rotateCommand,
  revoke: async () => (await import('./revoke.ts')).revokeCommand,
  compromise: async () => (await import('./compromise.ts')).compromiseCommand,
  pins: async () => (await import('./pins.ts')).pinsCommand,
  log: async () => (await import('./log.ts')).logCommand,
  proxy: async () => (await import('./proxy.ts')).proxyCommand,
  why: async () => (await import('./why.ts')).whyCommand,
  probe: async () => (await import('./probe.ts')).probeCommand,
  verify: async () => (await import('./verify.ts')).verifyCommand,
  inspect: async () => (await import('./inspect.ts')).inspectCommand,
  audit: async () => (await import('./audit.ts')).auditCommand,
  backup: async () => (await import('./backup.ts')).backupCommand,
  restore: async () => (await import('./restore.ts')).restoreCommand,
  passphrase: async () => (await import('./passphrase.ts')).passphraseCommand,
  schema: async () => (await import('./schema.ts')).schemaCommand(allCommands),
  completion: async () => (await import('./completion.ts')).completionCommand(allCommands),
}

export function allCommands(): Promise<readonly CommandSpec[]> {
  return Promise.all(Object.values(commands).map((read) => read()))
}

/** The commands that a line names, and so all that it can mean; every command where it names none. */
export function commandsIn(args: readonly string[]): Promise<readonly CommandSpec[]> {
  const named = Object.keys(commands).filter((name) => args.includes(name))
  return named.length === 0 ? allCommands() : Promise.all(named.map((name) => commands[name]!()))
}
