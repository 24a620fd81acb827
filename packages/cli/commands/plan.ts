import { AuthorityError, AuthorityReader, Disk, OwnerBook } from '@datapunk/authority'
import type { Config } from '@datapunk/protocol'
import type { CommandSpec } from '../command-spec.ts'
import { loadConfig } from '../context.ts'
import type { PlanDocument } from '../documents/plan.ts'
import { exitCode } from '../exit-code.ts'
import { actionRow, bySubject, countText } from '../text/action-text.ts'
import { askDocument, askText } from '../text/root-key-text.ts'

export const planCommand: CommandSpec<{ check?: boolean }> = {
  name: 'plan',
  summary: 'show what `apply` would change, and why',
  description:
    'Compares the config file with what is, and shows per service what `mtls apply` would change, and why; and which root keys that are away it would need. Changes nothing, asks for no passphrase, and waits for nobody.',
  options: [
    [
      '--check',
      'exit with 1 when something would change, waits for the key of a root, can’t be done, or is of the future by this clock',
    ],
  ],
  json: () => import('../documents/plan.ts'),
  examples: ['mtls plan', 'mtls plan --check --env staging'],
  run(context, { check }) {
    const { output, json, world } = context
    const config = loadConfig(context)
    const observation = new AuthorityReader({ config, clock: world.clock })
    try {
      const { actions, asks } = output.whileBusy('planning', () => observation.plan())
      const { trustDomain, environment = null } = config
      const obstacles = unknownOwners(config)
      const ahead = observation.ahead?.message
      const document: PlanDocument = {
        ...{ trustDomain, environment, actions, obstacles },
        asks: asks.map(askDocument),
        ahead: ahead ?? null,
      }
      if (json) output.printJson(document)
      else {
        const rows = bySubject(actions).map((action) =>
          actionRow(action, (style, text) => output.styled(style, text)),
        )
        output.print(output.table(rows))
        const destructive = actions.filter(({ safety }) => safety === 'destructive').length
        for (const ask of asks) output.tell(output.toldStyled('warning', askText(ask)))
        for (const { subject, message } of obstacles)
          output.tell(output.toldStyled('bad', `${subject} will get no pair: ${message}`))
        if (ahead !== undefined) output.tell(output.toldStyled('bad', ahead))
        output.tell(summaryOf(actions.length, destructive, asks.length > 0 || ahead !== undefined))
      }
      const isAsPlanned = actions.length + asks.length + obstacles.length === 0 && ahead === undefined
      return check && !isAsPlanned ? exitCode.bad : exitCode.done
    } finally {
      observation.close()
    }
  },
}

/** Whom no pair can be given to: what is wrong with it only its own machine knows. */
function unknownOwners(config: Config): PlanDocument['obstacles'] {
  const book = new OwnerBook(new Disk())
  return [...config.services.values()].flatMap((service) => {
    try {
      book.find(service)
      return []
    } catch (error) {
      if (!(error instanceof AuthorityError)) throw error
      return [{ subject: service.service, message: error.message }]
    }
  })
}

/** @param waits whether something is wrong, or asked for, that no action mends */
function summaryOf(all: number, destructive: number, waits: boolean): string {
  if (all === 0 && waits) return 'nothing to do without that'
  if (all === 0) return 'nothing to do: the mesh is as the config says'
  if (destructive === 0) return `${countText(all, 'action')}; \`mtls apply\` does them`
  return `${countText(all, 'action')}, ${destructive} of them destructive; \`mtls apply\` asks before it does those`
}
