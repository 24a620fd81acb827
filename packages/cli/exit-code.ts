/** What a command ends with. */
export const exitCode = {
  done: 0,
  /** The answer is bad: refused, expired, late, failed, or `plan --check` found something to do. */
  bad: 1,
  /** The command line or the config file is wrong. */
  usage: 2,
} as const

export type ExitCode = (typeof exitCode)[keyof typeof exitCode]
