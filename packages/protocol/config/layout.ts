import { join } from 'node:path'
import {
  compareDocumentNumbers,
  type DocumentNumber,
  formatDocumentNumber,
  parseDocumentNumber,
} from '../document-number.ts'
import type { Config } from './config.ts'

/** Where everything lies in the state folder. Paths only; nothing is read. */
export interface Layout {
  /** 0755: services pass through it to their own folder. */
  readonly state: string
  /** 0700: for the authority alone. */
  readonly authority: {
    readonly dir: string
    readonly inventory: string
    readonly keys: string
    readonly lock: string
    readonly adminSocket: string
    readonly passphrase: string
    /** Hashes of the console's sessions. */
    readonly consoleSessions: string
    /** 0700: the pairs that `mtls probe` shows to be refused, a folder each, as those of instances are. */
    readonly probe: string
  }
  /** 0755: what every peer reads, signed. */
  readonly mesh: {
    readonly dir: string
    readonly trustDir: string
    readonly sectionsDir: string
    readonly head: string
    /** Where peers speak to the authority. Connecting gives no right. */
    readonly socket: string
    readonly trustStatement: (number: DocumentNumber) => string
    readonly section: (digest: string) => string
  }
  /** 0755: a folder for each transparency log of the mesh, by its id. */
  readonly logsDir: string
  readonly log: (id: string) => LogFolder
  readonly instancesDir: string
  /** 0700, the service owner's: `current` is a link to the folder of the pair in use. */
  readonly instance: (id: string) => {
    readonly dir: string
    readonly current: string
    readonly cert: string
    readonly key: string
    /** What its service believed last, kept by the service itself. */
    readonly memory: string
  }
}

/** As a log is called in its URL, and where it lies: the first half of the hash of its key. @param keyHash as `keyIdOf` makes it */
export function logFolderId(keyHash: string): string {
  return keyHash.slice(0, 32)
}

/** Where everything of one log lies. */
export interface LogFolder {
  readonly dir: string
  /** 0600, the log's own. */
  readonly key: string
  /** Whose log it is, and under which name it signs. */
  readonly about: string
  /** The last checkpoint, and what was answered. */
  readonly lock: string
  /** The trust statement that it believes. */
  readonly trust: string
  /** What everybody may read, as C2SP static-ct-api lays it out. */
  readonly public: string
}

export function layoutOf(config: { readonly authority: Pick<Config['authority'], 'state'> }): Layout {
  const { state } = config.authority
  const authority = join(state, 'authority')
  const mesh = join(state, 'mesh')
  const instancesDir = join(state, 'instances')
  const instances = new Map<string, ReturnType<Layout['instance']>>()
  const logsDir = join(state, 'log')
  return {
    state,
    authority: {
      dir: authority,
      inventory: join(authority, 'inventory.db'),
      keys: join(authority, 'keys'),
      lock: join(authority, 'lock.db'),
      adminSocket: join(authority, 'admin.sock'),
      passphrase: join(authority, 'passphrase'),
      consoleSessions: join(authority, 'console-sessions.json'),
      probe: join(authority, 'probe'),
    },
    mesh: {
      dir: mesh,
      trustDir: join(mesh, 'trust'),
      sectionsDir: join(mesh, 'sections'),
      head: join(mesh, 'head.json'),
      socket: join(mesh, 'mesh.sock'),
      trustStatement: (number) => join(mesh, 'trust', `${formatDocumentNumber(number)}.json`),
      section: (digest) => join(mesh, 'sections', `${digest}.json`),
    },
    logsDir,
    log: (id) => logFolder(join(logsDir, id)),
    instancesDir,
    instance: (id) => {
      const known = instances.get(id)
      if (known !== undefined) return known
      const dir = join(instancesDir, id)
      const current = join(dir, 'current')
      const places = {
        dir,
        current,
        cert: join(current, 'cert.pem'),
        key: join(current, 'key.pem'),
        memory: join(dir, 'memory'),
      }
      instances.set(id, places)
      return places
    },
  }
}

/** Of the trust statements that lie in a folder, the oldest first. @param names of the files in it */
export function trustStatementNumbers(names: readonly string[]): DocumentNumber[] {
  return names
    .flatMap((name) => (name.endsWith('.json') ? (parseDocumentNumber(name.slice(0, -5)) ?? []) : []))
    .sort(compareDocumentNumbers)
}

function logFolder(dir: string): LogFolder {
  return {
    dir,
    key: join(dir, 'key.pem'),
    about: join(dir, 'log.json'),
    lock: join(dir, 'lock.db'),
    trust: join(dir, 'trust.json'),
    public: join(dir, 'public'),
  }
}
