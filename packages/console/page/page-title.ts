import type { PageState } from './page-state.ts'

/** What the tab of the browser says: how many services are bad, where some are. */
export function pageTitle({ mesh: { view } }: PageState): string {
  if (view === undefined) return 'Datapunk mesh'
  const bad = view.services.filter(({ state }) => state === 'bad').length
  return `${bad === 0 ? '' : `${bad} bad · `}${view.mesh.trustDomain}`
}
