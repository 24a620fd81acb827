import type { PageCommands } from './page-commands.ts'
import type { PageState } from './page-state.ts'

/** Where the keyboard goes on: into the panel of whoever was selected, and back to the map when it closes. */
export function settleFocus(root: HTMLElement, before: PageState, after: PageState): void {
  const [left, entered] = [inPanel(before), inPanel(after)]
  if (left === entered || after.dialog !== undefined) return
  const target = entered === undefined ? nodeOf(root, left) : root.querySelector('#panel-title')
  if (target instanceof HTMLElement) target.focus()
}

/** Whose panel is there. */
function inPanel({ selected, rest }: PageState): string | undefined {
  return rest.kind === 'here' ? selected : undefined
}

function nodeOf(root: HTMLElement, service: string | undefined): Element | null {
  return service === undefined ? null : root.querySelector(`[data-service="${CSS.escape(service)}"]`)
}

/** Opens or closes the dialog as the state says: that is a deed of the element's, and no attribute. */
export function settleDialog(root: ParentNode, isWanted: boolean): void {
  const dialog = root.querySelector('dialog')
  if (dialog === null || dialog.open === isWanted) return
  if (isWanted) {
    dialog.showModal()
    dialog.querySelector<HTMLElement>('[data-first]')?.focus()
  } else dialog.close()
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
