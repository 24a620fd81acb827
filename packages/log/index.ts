export type { AboutLog } from './about.ts'
export { type AsAuthority, HttpLog, type HttpLogOptions } from './http-log.ts'
export { LogError, type LogErrorCode } from './log-error.ts'
export { logOpener } from './log-opener.ts'
export { exportLog } from './reading/export-log.ts'
export { readFolder } from './reading/read-folder.ts'
export {
  type LogIdentity,
  leafHash,
  outdated,
  type ReadObject,
  readCheckpoint,
  readEntries,
  readIssuer,
  TILE_LEAVES,
} from './reading/read-log.ts'
export { readUrl } from './reading/read-url.ts'
export { verifyLog } from './reading/verify-log.ts'
export { type ServeLogOptions, StandingLog, serveLog } from './serving/serve-log.ts'
export { type SubmissionKind, TransparencyLog, type TransparencyLogOptions } from './transparency-log.ts'
