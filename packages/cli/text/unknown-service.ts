import { type Config, spellingHint } from '@datapunk/protocol'
import type { Output } from './output.ts'

/** Where nothing was found of a service: one that the config does not name was perhaps never there. */
export function tellUnknownService(output: Output, service: string, { services }: Config): void {
  if (services.has(service)) return
  const names = [...services.keys()].slice(0, 20).join(', ')
  const told = `found nothing of ${service}${spellingHint(service, services.keys())}, which the config does not name; it names ${names}`
  output.tell(output.toldStyled('warning', told))
}
