import { spkiOf } from '@datapunk/pki'
import { type KeyText, NextKeyFile } from '../disk/next-key.ts'
import { PairFolder } from '../disk/pair.ts'
import type { Engine } from '../engine/engine.ts'
import { AuthorityError } from '../error.ts'
import { renewalDue } from '../planning/plan.ts'
import { decodeRequest, decodeSettings, keySizeOf, type Settings } from '../services/settings.ts'
import type { CertificateRow, NextKeyRow } from '../store/rows.ts'
import type { Late } from '../waiting/late.ts'
import { type Holder, isOfKind, readNextKey } from './make-next-keys.ts'
import { pinningWanted } from './pin-mode.ts'
import { type PinWait, pinWait } from './pin-wait.ts'

/** What is asked once for all instances that are issued a certificate together. */
export interface KeyChoice {
  readonly nextKeys: ReadonlyMap<string, NextKeyRow>
  readonly lateFor: PinWait
  /** By instance: why a next key could not be made a moment ago. */
  readonly notMade: ReadonlyMap<string, Error>
}

interface KeyChoiceOptions {
  readonly notMade?: KeyChoice['notMade'] | undefined
  /** Instances that are not waited for: they refuse the next key until they have heard of it. */
  readonly leftOut?: readonly string[] | undefined
}

export function keyChoice(
  engine: Engine,
  { notMade = new Map(), leftOut }: KeyChoiceOptions = {},
): KeyChoice {
  const { store } = engine
  return {
    nextKeys: new Map(store.nextKeys().map((row) => [row.instance, row])),
    lateFor: pinWait(engine, leftOut),
    notMade,
  }
}

/**
 * Tells whether everybody knows the key of an instance's next certificate, so that who has waited for that need wait no longer.
 * Whoever does not ask costs nothing.
 */
export function keyKnowledge(engine: Engine): (instance: string) => boolean {
  let choice: KeyChoice | undefined
  return (instance) => {
    choice ??= keyChoice(engine)
    return choice.lateFor(choice.nextKeys.get(instance)?.announced).length === 0
  }
}

/**
 * The key of an instance's next certificate: the one that was made beforehand, once nobody would refuse it. Whoever shows nothing
 * that is good now waits for nobody, because waiting would only keep him away longer; nobody had spoken with him meanwhile.
 *
 * While somebody is late, the pair in use serves on. Should that come near its end, a certificate for the same key follows: what
 * everybody knows is better than what nobody can wait for.
 *
 * @param serving what the instance shows now, and peers accept
 * @throws AuthorityError `PIN_NOT_ACKNOWLEDGED`, `NEXT_KEY_MISSING`, and what the next key could not be made for
 */
export async function keyToCertify(
  engine: Engine,
  { instance, service, serving }: Holder & { readonly serving: CertificateRow | undefined },
  { nextKeys, lateFor, notMade }: KeyChoice,
): Promise<KeyText> {
  const { config, store, disk, layout, clock, makeKeyPair } = engine
  const settings = decodeSettings(service.settings)
  const row = nextKeys.get(instance)
  if (row === undefined && pinningWanted(engine) === 'off') {
    const { privateKey, publicKey } = await makeKeyPair(settings.keyAlgorithm, { rsaBits: settings.keySize })
    const keyPem = privateKey.export({ type: 'pkcs8', format: 'pem' }) as string
    return { keyPem, spki: spkiOf(publicKey) }
  }
  const waitsFor = serving === undefined ? [] : lateFor(row?.announced)
  if (serving !== undefined && waitsFor.length > 0) {
    const pressing = pressingFrom(serving, settings, config.rotation.jitter)
    const same = clock() >= pressing ? keyInUse(engine, instance, serving, settings) : undefined
    if (same !== undefined) return same
    throw notAcknowledged(service.service, waitsFor, clock() < pressing ? pressing : serving.notAfter)
  }
  const { dir } = layout.instance(instance)
  const key = row && isOfKind(row, settings) && readNextKey(new NextKeyFile(dir, disk), row)
  if (key) return key
  await store.write((transaction) => transaction.forgetNextKey(instance))
  throw notMade.get(instance) ?? nextKeyMissing(service.service, serving)
}

/** Halfway from when it was due for renewal to its end, milliseconds since the epoch. */
export function pressingFrom(
  certificate: Pick<CertificateRow, 'serial' | 'notBefore' | 'notAfter'>,
  { renewAt }: Pick<Settings, 'renewAt'>,
  jitter: number,
): number {
  return (renewalDue(certificate, renewAt, jitter) + certificate.notAfter) / 2
}

/** The key of the pair on disk, where that is of the kind that the settings want. */
function keyInUse(
  { disk, layout }: Engine,
  instance: string,
  { request, der }: CertificateRow,
  settings: Settings,
): KeyText | undefined {
  const { keyAlgorithm, keySize } = decodeRequest(request)
  if (keyAlgorithm !== settings.keyAlgorithm || keySize !== keySizeOf(settings)) return undefined
  const pair = new PairFolder(layout.instance(instance).dir, disk).read()
  if (pair === undefined || der === undefined || Buffer.compare(pair.certificate.der, der) !== 0)
    return undefined
  return { keyPem: pair.keyPem, spki: pair.certificate.spki }
}

/** As many names as are read. */
const SHOWN = 5

/** @param until when it is no longer waited for, milliseconds since the epoch */
function notAcknowledged(service: string, late: readonly Late[], until: number): AuthorityError {
  const names = late.slice(0, SHOWN).map(({ instance, reason }) => `${instance} (${reason})`)
  if (late.length > SHOWN) names.push(`${late.length - SHOWN} more`)
  return new AuthorityError(
    'PIN_NOT_ACKNOWLEDGED',
    `${service} keeps the pair it has: found that the bundle with the pin of its next key is not enforced by ${names.join(', ')}, who would refuse it; allowed: a key that every peer knows. Whoever is late enforces it once it runs; one that is gone for good is revoked, or left out: \`mtls rotate ${service} --without ${late[0]?.instance}\``,
    { data: { service, late: late.map(({ instance }) => instance), until } },
  )
}

function nextKeyMissing(service: string, serving: CertificateRow | undefined): AuthorityError {
  const has = serving === undefined ? 'has no pair that will do' : 'keeps the pair it has'
  return new AuthorityError(
    'NEXT_KEY_MISSING',
    `${service} ${has}: found no next key of it that is whole; allowed: one that peers know. \`mtls apply\` makes another one and tells them`,
    { data: { service } },
  )
}
