import type {
  ConsoleAction,
  ConsoleAudit,
  ConsoleDone,
  ConsoleLog,
  ConsolePlan,
  ConsoleProof,
  ConsoleServiceDetail,
} from '@datapunk/protocol/console'
import type { LiveView } from './live-view.ts'

/** Where the console has from what it shows, and who does what it asks for. It holds nothing itself. */
export interface ConsoleSource {
  readonly live: LiveView
  /** Undefined: no member is called so. */
  service(name: string): Promise<ConsoleServiceDetail | undefined>
  /** @param before entries with a smaller number; undefined: the newest */
  audit(before: number | undefined): Promise<ConsoleAudit>
  /** Undefined: there is no log, or nothing in it. @param before entries with a smaller index */
  log(before: number | undefined): Promise<ConsoleLog | undefined>
  /** Undefined: nothing with this serial is in a log. */
  proof(serial: string): Promise<ConsoleProof | undefined>
  /** What an action would do. @throws an error with a `code` and a message for people */
  plan(action: ConsoleAction): Promise<ConsolePlan>
  /** @param operator who asked: undefined where it was whoever has the terminal */
  act(action: ConsoleAction, operator: string | undefined): Promise<ConsoleDone>
}
