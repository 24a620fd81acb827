import type { ConsoleInstance, ConsoleService } from '@datapunk/protocol/console'
import { html, nothing, type TemplateResult } from 'lit-html'
import { enforcedBy, spokenService } from '../service/service-facts.ts'
import { stateMark } from '../text/state-mark.ts'

/** How a service stands out in the map. */
export interface NodeLook {
  readonly isSelected: boolean
  /** What whoever looks has pointed at is something else, and not connected with it. */
  readonly isDimmed: boolean
  /** It is connected with what is pointed at. */
  readonly isNear: boolean
  /** It has just changed. */
  readonly isChanged: boolean
  /** Tab comes to it; arrow keys go on from there. */
  readonly isTabStop: boolean
}

/** More are told as a number. */
const SHOWN_DOTS = 6

/**
 * A service as a button, in a map or in a cell. The map listens for what is done with it. Its text is its name alone, as far as
 * a machine reads it: the rest is said by its label, and drawn by the style.
 */
export function serviceNode(service: ConsoleService, look: NodeLook, bundle: string | null): TemplateResult {
  const enforced = enforcedBy(service)
  const isBehind = enforced.length > 0 && enforced[0] !== bundle
  return html`<button type="button" data-service=${service.service} class=${classOf(service, look)}
    aria-pressed=${look.isSelected ? 'true' : 'false'} aria-label=${spokenService(service)}
    tabindex=${look.isTabStop ? 0 : -1} title=${service.service}>
    ${stateMark(service.state)}<span class="name">${service.service}</span>
    <span class="dots">${service.instances.slice(0, SHOWN_DOTS).map(instanceDot)}${
      service.instances.length > SHOWN_DOTS
        ? html`<span class="more" data-text="+${service.instances.length - SHOWN_DOTS}"></span>`
        : nothing
    }</span>
    <span class="enforced ${isBehind ? 'behind' : ''}" data-text=${enforced.join(' · ')}></span>
  </button>`
}

function classOf({ state }: ConsoleService, look: NodeLook): string {
  const marks = [look.isDimmed && 'dimmed', look.isNear && 'near', look.isChanged && 'changed'].filter(
    (mark) => mark !== false,
  )
  return ['node', state, ...marks].join(' ')
}

function instanceDot({ live }: ConsoleInstance): TemplateResult {
  return html`<span class="dot ${live > 0 ? 'live' : 'away'}"></span>`
}
