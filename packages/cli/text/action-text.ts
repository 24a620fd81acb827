import type { Action } from '@datapunk/authority'
import type { Output, Style } from './output.ts'

type Styled = (style: Style, text: string) => string

/** One row a plan's action: whom it is about, what is done, and why. */
export function actionRow(action: Action, styled: Styled): string[] {
  const what = action.kind.replaceAll('-', ' ')
  return [
    styled('strong', action.subject),
    action.safety === 'destructive' ? styled('warning', what) : styled('good', what),
    action.safety === 'destructive' ? styled('warning', 'destructive') : styled('quiet', 'safe'),
    action.reason,
  ]
}

/** The actions service by service, each in the order in which they are done; the mesh's own where it comes first. */
export function bySubject(actions: readonly Action[]): Action[] {
  return [...Map.groupBy(actions, ({ subject }) => subject).values()].flat()
}

/** As `actionRow`, for text that goes to stderr. */
export function toldRow(action: Action, output: Output): string[] {
  return actionRow(action, (style, text) => output.toldStyled(style, text))
}

export function countText(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
