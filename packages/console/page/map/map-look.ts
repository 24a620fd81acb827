import type { ConsoleLink, ConsoleService } from '@datapunk/protocol/console'
import type { PageState } from '../page-state.ts'
import type { NodeLook } from './service-node.ts'

/** How everything in the map stands out now. */
export interface Look {
  /** The service that is pointed at, or else the one that is selected. */
  readonly active: string | undefined
  readonly cut: readonly ConsoleLink[]
  of(service: ConsoleService): NodeLook
}

/** @param shown the services that the filter lets through */
export function mapLook(state: PageState, shown: readonly ConsoleService[]): Look {
  const { selected, hovered, mesh } = state
  const active = hovered ?? selected
  const near = new Set(mesh.view?.links.flatMap(({ caller, callee }) => otherEnd(active, caller, callee)))
  const isShown = new Set(shown)
  const stop = shown.find(({ service }) => service === selected) ?? shown[0]
  return {
    active,
    cut: mesh.changed.cut,
    of: (service) => ({
      isSelected: service.service === selected,
      isDimmed: !isShown.has(service),
      isNear: near.has(service.service),
      isChanged: mesh.changed.services.has(service.service),
      isTabStop: service === stop,
    }),
  }
}

function otherEnd(active: string | undefined, caller: string, callee: string): string[] {
  if (caller === active) return [callee]
  return callee === active ? [caller] : []
}

/** Those whose name has the text, and whose state is the one that is asked for. */
export function filtered(
  services: readonly ConsoleService[],
  { text, state }: PageState['filter'],
): readonly ConsoleService[] {
  const wanted = text.trim().toLowerCase()
  if (wanted === '' && state === undefined) return services
  return services.filter(
    (one) => one.service.includes(wanted) && (state === undefined || one.state === state),
  )
}
