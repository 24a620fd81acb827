import type { PageCommands } from './page-commands.ts'
import type { PageState } from './page-state.ts'

/** Where the keyboard goes on: into the panel of whoever was selected, and back to the map when it closes. */
export function settleFocus(root: HTMLElement, before: PageState, after: PageState): void {
  if (before.selected === after.selected || after.dialog !== undefined) return
  const target =
    after.selected === undefined ? nodeOf(root, before.selected) : root.querySelector('#panel-title')
  if (target instanceof HTMLElement) target.focus()
}

function nodeOf(root: HTMLElement, service: string | undefined): Element | null {
  return service === undefined ? null : root.querySelector(`[data-service="${CSS.escape(service)}"]`)
}

/** Escape closes the panel; a slash goes to the field that finds a service. */
export function onPageKey(
  event: KeyboardEvent,
  root: HTMLElement,
  state: PageState,
  commands: PageCommands,
): void {
  if (event.defaultPrevented || state.dialog !== undefined) return
  const isTyping = event.target instanceof HTMLInputElement
  if (event.key === 'Escape' && !isTyping && state.selected !== undefined) commands.select(undefined)
  if (event.key !== '/' || isTyping) return
  event.preventDefault()
  root.querySelector<HTMLElement>('#find')?.focus()
}
