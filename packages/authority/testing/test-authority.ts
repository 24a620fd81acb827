import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after } from 'node:test'
import { type Config, parseConfig } from '@datapunk/protocol'
import { FixedClock, seededRandom, TestLogs } from '@datapunk/testkit'
import { Authority } from '../authority.ts'
import { AuthorityError, type AuthorityErrorCode } from '../error.ts'
import type { AuthorityEvent } from '../events/event.ts'

const folders: string[] = []
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

/** It is removed when the file's tests are over. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'mtls-authority-'))
  folders.push(folder)
  return folder
}

export const keysInClear = { store_ca_keys_in_clear: true }

export function configIn(
  dir: string,
  services: Record<string, unknown>,
  authority: Record<string, unknown> = keysInClear,
  certificates: Record<string, unknown> = { key_algorithm: 'ecdsa-p256' },
): Config {
  const text = { services, authority, certificates }
  return parseConfig(JSON.stringify(text), { file: join(dir, 'mtls-config.yaml') })
}

export const clock = new FixedClock(Date.UTC(2026, 5, 1))
export const logs = new TestLogs()
let seeds = 0

/** As `mtls` opens it, on a real disk. */
export function openAuthority(
  config: Config,
  environment: Record<string, string | undefined> = {},
  report: (event: AuthorityEvent) => void = () => {},
): Promise<Authority> {
  return Authority.open({
    ...{ config, environment, report },
    clock: () => clock.now(),
    randomBytes: seededRandom(`authority ${++seeds}`),
    ...{ pid: process.pid, uid: 7, purpose: 'test' },
    openLog: logs.opener(() => clock.now()),
  })
}

export function isCode(code: AuthorityErrorCode) {
  return (error: unknown) => error instanceof AuthorityError && error.code === code
}

/** What is destructive is approved, or is not. */
export const yes = { approve: () => true }
export const no = { approve: () => false }
