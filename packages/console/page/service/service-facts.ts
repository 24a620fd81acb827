import type { ConsoleService } from '@datapunk/protocol/console'

/** The bundles that its instances enforce, each once. */
export function enforcedBy({ instances }: ConsoleService): readonly string[] {
  return [...new Set(instances.flatMap(({ enforced }) => (enforced === null ? [] : [enforced])))].sort()
}

/** What a screen reader says of a service: `lake, good, 1 instance, enforces 1.7`. */
export function spokenService(service: ConsoleService): string {
  const { instances } = service
  const live = instances.filter((one) => one.live > 0).length
  const count = instances.length === 1 ? '1 instance' : `${instances.length} instances`
  const enforced = enforcedBy(service)
  return [
    service.service,
    service.state,
    ...(service.barred ? ['revoked'] : []),
    ...(live === instances.length ? [count] : [`${count}, ${live} live`]),
    enforced.length === 0 ? 'enforces nothing yet' : `enforces ${enforced.join(' and ')}`,
  ].join(', ')
}
