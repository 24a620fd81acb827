import { lstatSync, readdirSync, type Stats } from 'node:fs'
import { join } from 'node:path'
import { AuthorityError, Disk, OwnerBook } from '@datapunk/authority'
import { layoutOf, type ServiceConfig } from '@datapunk/protocol'
import type { Examination } from './examination.ts'
import type { Finding } from './finding.ts'

/** A file or folder, and the most that its mode may allow. */
interface Guarded {
  readonly path: string
  readonly mode: number
}

/** Whether anybody may read or change what is not theirs. What is not there is looked for elsewhere. */
export function permissionFindings(examination: Examination): Finding[] {
  return guardedPaths(examination).flatMap(({ path, mode }) => {
    const found = (statOf(path)?.mode ?? 0) & 0o777
    return (found & ~mode) === 0 ? [] : [tooLoose(path, found, mode)]
  })
}

function guardedPaths({ config }: Examination): Guarded[] {
  const { authority, mesh, state, instancesDir, instance } = layoutOf(config)
  const keys = namesIn(authority.keys).map((name) => ({ path: join(authority.keys, name), mode: 0o600 }))
  const { passphraseFile } = config.authority
  return [
    ...[state, mesh.dir, mesh.trustDir, mesh.sectionsDir, instancesDir].map((path) => ({
      path,
      mode: 0o755,
    })),
    ...[authority.dir, authority.keys].map((path) => ({ path, mode: 0o700 })),
    ...[authority.inventory, authority.passphrase, config.paths.caKey].map((path) => ({ path, mode: 0o600 })),
    ...(passphraseFile === undefined ? [] : [{ path: passphraseFile, mode: 0o600 }]),
    ...keys,
    ...[...config.services.values()].map(({ service, mode }) => ({
      path: instance(service).dir,
      mode: (mode & 0o070) === 0 ? 0o700 : 0o750,
    })),
  ]
}

function tooLoose(path: string, found: number, allowed: number): Finding {
  const fix = `chmod ${octal(found & allowed)} ${path}`
  return {
    id: 'permissions-loose',
    severity: 'error',
    subject: path,
    found: `found mode ${octal(found)}; allowed: at most ${octal(allowed)}`,
    fix,
  }
}

/** Whether what is private belongs to who should have it. */
export function ownerFindings({ config, uid }: Examination): Finding[] {
  const { authority, instance } = layoutOf(config)
  const owner = statOf(authority.dir)?.uid
  const files = [authority.inventory, ...namesIn(authority.keys).map((name) => join(authority.keys, name))]
  const foreign = files.filter((path) => owner !== undefined && (statOf(path)?.uid ?? owner) !== owner)
  const book = new OwnerBook(new Disk())
  return [
    ...foreign.map((path) => otherOwner(path, statOf(path)?.uid, owner)),
    ...[...config.services.values()].flatMap((service) =>
      ownerOfPair(service, instance(service.service).dir, book, owner ?? uid),
    ),
  ]
}

function ownerOfPair(
  service: ServiceConfig,
  dir: string,
  book: OwnerBook,
  ours: number | undefined,
): Finding[] {
  const stat = statOf(dir)
  try {
    const wanted = book.find(service)?.uid ?? -1
    const uid = wanted === -1 ? ours : wanted
    if (stat === undefined || uid === undefined || stat.uid === uid) return []
    return [otherOwner(dir, stat.uid, uid)]
  } catch (error) {
    if (!(error instanceof AuthorityError)) throw error
    const fix = `useradd --system ${service.owner ?? service.group}, or another services.${service.service}.owner`
    return [{ id: 'owner-unknown', severity: 'error', subject: service.service, found: error.message, fix }]
  }
}

function otherOwner(path: string, found: number | undefined, allowed: number | undefined): Finding {
  return {
    id: 'owner-other',
    severity: 'error',
    subject: path,
    found: `found user ${found} as its owner; allowed: user ${allowed}`,
    fix: `chown -R ${allowed} ${path}`,
  }
}

function statOf(path: string): Stats | undefined {
  try {
    return lstatSync(path)
  } catch {
    return undefined
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0')
}
