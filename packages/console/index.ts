export { LiveView } from './server/live-view.ts'
export type { ConsoleSource } from './source.ts'
