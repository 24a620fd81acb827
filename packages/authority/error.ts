export type AuthorityErrorCode =
  | 'ADMIN_FORBIDDEN'
  | 'ADMIN_SILENT'
  | 'ADMIN_UNREACHABLE'
  | 'ADOPTION_REFUSED'
  | 'AUDIT_CHANGED'
  | 'BACKUP_INVALID'
  | 'BACKUP_REFUSED'
  | 'CA_MISMATCH'
  | 'CA_WITHOUT_INVENTORY'
  | 'CSR_INVALID'
  | 'DISK_FAILED'
  | 'ENVELOPE_INVALID'
  | 'INSTANCE_UNKNOWN'
  | 'INVENTORY_OUTDATED'
  | 'INVENTORY_WITHOUT_CA'
  | 'KEY_EXISTS'
  | 'KEY_IN_CLEAR'
  | 'KEY_INVALID'
  | 'KEY_MISMATCH'
  | 'KEY_MISSING'
  | 'LISTEN_FAILED'
  | 'LOCKED'
  | 'LOG_UNAVAILABLE'
  | 'MESH_EXISTS'
  | 'NEXT_KEY_MISSING'
  | 'NOTHING_PINNED'
  | 'NOT_AN_OPERATOR'
  | 'NOT_A_MEMBER'
  | 'NOT_PUBLISHED'
  | 'NOT_REVOCABLE'
  | 'NO_CONSOLE'
  | 'NO_INTENT'
  | 'NO_MESH'
  | 'NO_WAY_BACK'
  | 'NUMBER_REUSED'
  | 'OWNER_UNKNOWN'
  | 'PAIR_INVALID'
  | 'PASSPHRASE_AMBIGUOUS'
  | 'PASSPHRASE_MISSING'
  | 'PASSPHRASE_SHORT'
  | 'PASSPHRASE_WRONG'
  | 'PERMISSIONS'
  | 'PIN_NOT_ACKNOWLEDGED'
  | 'PLAN_CHANGED'
  | 'REFERENCE_MISSING'
  | 'RELOAD_FAILED'
  | 'REQUEST_INVALID'
  | 'RESTART_NEEDED'
  | 'RESTORE_REFUSED'
  | 'ROOT_KEY_NEEDED'
  | 'SCHEMA_TOO_NEW'
  | 'SCHEMA_TOO_OLD'
  | 'SERIAL_REUSED'
  | 'SERVICE_BARRED'
  | 'STATE_REPLACED'
  | 'STORE_FAILED'
  | 'TOO_MANY_FOLLOWERS'
  | 'TRUST_DOMAIN_CHANGED'
  | 'VERSION_OTHER'

/**
 * What this package throws about the world it finds: disk, keys, inventory. The message says what was found, what is
 * allowed and which command repairs it; `data` holds the same as fields; neither ever holds key material. Misuse by
 * the caller is a plain TypeError.
 */
export class AuthorityError extends Error {
  override readonly name = 'AuthorityError'
  readonly code: AuthorityErrorCode
  readonly data: Readonly<Record<string, unknown>>

  constructor(
    code: AuthorityErrorCode,
    message: string,
    options: { cause?: unknown; data?: Readonly<Record<string, unknown>> } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.data = options.data ?? {}
  }
}
