export type { AboutLog } from './about.ts'
export { LogError, type LogErrorCode } from './log-error.ts'
export { logOpener } from './log-opener.ts'
export { type SubmissionKind, TransparencyLog, type TransparencyLogOptions } from './transparency-log.ts'
