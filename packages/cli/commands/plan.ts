import { Observation } from '@datapunk/authority'
import { actionRow, bySubject, countText } from '../action-text.ts'
import type { CommandSpec } from '../command-spec.ts'
import { loadConfig } from '../context.ts'
import { exitCode } from '../exit-code.ts'
import { table } from '../table.ts'

export const planCommand: CommandSpec<{ check?: boolean }> = {
  name: 'plan',
  summary: 'show what `apply` would change, and why',
  description:
    'Compares the config file with what is, and shows per service what `mtls apply` would change, and why. Changes nothing, asks for no passphrase, and waits for nobody.',
  options: [['--check', 'exit with 1 when something would change']],
  json: '{ trustDomain, environment, actions: [{ kind, subject, safety, reason, … }] }',
  examples: ['mtls plan', 'mtls plan --check --env staging'],
  run(context, { check }) {
    const { output, json, world } = context
    const config = loadConfig(context)
    const observation = new Observation({ config, clock: world.clock })
    try {
      const { actions } = observation.plan()
      const { trustDomain, environment = null } = config
      if (json) output.printJson({ trustDomain, environment, actions })
      else {
        const rows = bySubject(actions).map((action) =>
          actionRow(action, (style, text) => output.styled(style, text)),
        )
        output.print(table(rows))
        const destructive = actions.filter(({ safety }) => safety === 'destructive').length
        output.tell(summaryOf(actions.length, destructive))
      }
      return check && actions.length > 0 ? exitCode.bad : exitCode.done
    } finally {
      observation.close()
    }
  },
}

function summaryOf(all: number, destructive: number): string {
  if (all === 0) return 'nothing to do: the mesh is as the config says'
  if (destructive === 0) return `${countText(all, 'action')}; \`mtls apply\` does them`
  return `${countText(all, 'action')}, ${destructive} of them destructive; \`mtls apply\` asks before it does those`
}
