import type { IncomingHttpHeaders } from 'node:http'
import { AuthorityError } from '../error.ts'
import manifest from '../package.json' with { type: 'json' }
import { migrations } from '../store/schema.ts'

/** To be raised with every change of what a call takes or gives, or of the events. `admin-version.test.ts` notices most of them. */
export const PROTOCOL = 3

/** The header in which both say of which version they are: a command with every request, an authority with every answer. */
export const VERSION = 'mtls-version'

/** What has to be the same on both sides of the socket. */
export const adminVersion = `${manifest.version}, protocol ${PROTOCOL}, schema ${migrations.length}`

/**
 * Nothing that another version says is read: a part of it may be missing, or mean something else.
 *
 * @throws AuthorityError `VERSION_OTHER`
 */
export function checkVersion(answer: IncomingHttpHeaders, socket: string): void {
  const found = answer[VERSION]
  if (found === adminVersion) return
  const foundText = found === undefined ? 'none that it says' : String(found)
  throw new AuthorityError(
    'VERSION_OTHER',
    `found an \`mtls up\` at ${socket} of another version (${foundText}); allowed: that of this command (${adminVersion}). Restart \`mtls up\`; where that is the newer of the two, use the command that was installed with it`,
    { data: { socket, found, allowed: adminVersion } },
  )
}

/**
 * Nothing is done that a command of another version asks for: it may have meant something else.
 *
 * @throws AuthorityError `VERSION_OTHER`
 */
export function checkCommand(request: IncomingHttpHeaders): void {
  const found = request[VERSION]
  if (found === adminVersion) return
  const foundText = found === undefined ? 'none that it says' : String(found)
  throw new AuthorityError(
    'VERSION_OTHER',
    `found a command of another version (${foundText}) than the \`mtls up\` that it asks (${adminVersion}); nothing was done. Use the command that was installed with it, or, where the command is the newer of the two, restart \`mtls up\``,
    { data: { found, allowed: adminVersion } },
  )
}
