export type { ConsoleEntrance, Shown, ShownPair, Visitor } from './entrance.ts'
export { ConsoleError, type ConsoleErrorCode } from './error.ts'
export { type ConsoleServer, type ConsoleServerOptions, serveConsole } from './server/console-server.ts'
export { LiveView } from './server/live-view.ts'
export type { SessionStore } from './server/session-store.ts'
export {
  type ConsoleLinkToken,
  LINK_LIFE,
  SESSION_LIFE,
  Sessions,
  type SessionsOptions,
} from './server/sessions.ts'
export type { ConsoleSource } from './server/source.ts'
