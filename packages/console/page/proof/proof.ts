import type { ConsoleProof } from '@datapunk/protocol/console'
import { type Side, stepsUp } from '@datapunk/tlog/proof-steps'
import { PageError } from '../page-error.ts'
import { keyIdInput, parseCheckpoint, type SignedCheckpoint, treeHeadMessage } from './checkpoint.ts'
import { rawSignature } from './ecdsa-signature.ts'
import { type LogLeaf, parseLogLeaf } from './log-leaf.ts'
import { base64Octets, hexText, joined, type Octets, sameOctets } from './octets.ts'

/** What a check needs of WebCrypto. */
export interface ProofCrypto {
  sha256(octets: Octets): Promise<Octets>
  /** @param key SubjectPublicKeyInfo, DER @param signature r and s side by side @param message what was signed */
  verifyP256(key: Octets, signature: Octets, message: Octets): Promise<boolean>
}

/** From a node to the one above it. */
export interface ProofStep {
  /** Where the other half lies. */
  readonly side: Side
  readonly sibling: Octets
  /** SHA-256(0x01 || left || right). */
  readonly hash: Octets
}

/** How far a check came; where it came to the end, `failure` is undefined and the entry is proven to be in the log. */
export interface ProofCheck {
  readonly leaf?: LogLeaf
  /** SHA-256(0x00 || leaf). */
  readonly leafHash?: Octets
  readonly steps: readonly ProofStep[]
  readonly checkpoint?: SignedCheckpoint
  /** SHA-256 of the log's key. */
  readonly logId?: Octets
  readonly failure: string | undefined
}

const HASH_OCTETS = 32
const LEAF = Uint8Array.of(0)
const NODE = Uint8Array.of(1)

type Progress = { -readonly [field in keyof ProofCheck]: ProofCheck[field] }

/**
 * Checks that a certificate is in a log: 1 the leaf is of this serial and in this place, 2 it and its siblings hash to
 * 3 the root of the checkpoint, 4 which the log's key has signed. That the key is the log's is the console's word.
 *
 * @param serial of the certificate that was asked for, lowercase hex
 * @see RFC 9162 2.1.3.2
 */
export async function checkProof(
  proof: ConsoleProof,
  serial: string,
  crypto: ProofCrypto,
): Promise<ProofCheck> {
  const found: Progress = { steps: [], failure: undefined }
  try {
    await follow(proof, serial, crypto, found)
  } catch (error) {
    if (!(error instanceof PageError)) throw error
    found.failure = error.message
  }
  return found
}

async function follow(
  proof: ConsoleProof,
  serial: string,
  crypto: ProofCrypto,
  found: Progress,
): Promise<void> {
  const octets = base64Octets(proof.leaf, 'the leaf')
  const leaf = parseLogLeaf(octets)
  found.leaf = leaf
  if (leaf.serial !== serial) wrong(`the leaf is of certificate ${leaf.serial}, not of ${serial}`)
  if (leaf.index !== proof.index) wrong(`the leaf says that it is number ${leaf.index}, not ${proof.index}`)
  found.leafHash = await crypto.sha256(joined(LEAF, octets))

  const checkpoint = parseCheckpoint(proof.checkpoint)
  found.checkpoint = checkpoint
  if (checkpoint.origin !== proof.origin)
    wrong(`the checkpoint is of ${checkpoint.origin}, not of ${proof.origin}`)
  if (leaf.index >= checkpoint.size)
    wrong(`a log of ${checkpoint.size} entries has none numbered ${leaf.index}`)
  const sides = stepsUp(leaf.index, checkpoint.size - 1)
  const siblings = proof.proof.map((sibling) => hashOctets(sibling))
  if (siblings.length !== sides.length)
    wrong(`the proof has ${siblings.length} hashes, and this place needs ${sides.length}`)
  const root = await climb(found, sides, siblings, crypto)
  if (!sameOctets(root, checkpoint.root)) wrong('it leads to another root than the one of the checkpoint')
  await checkSignature(checkpoint, base64Octets(proof.key, 'the key of the log'), crypto, found)
}

async function climb(
  found: Progress,
  sides: readonly Side[],
  siblings: readonly Octets[],
  crypto: ProofCrypto,
): Promise<Octets> {
  const steps: ProofStep[] = []
  let hash = found.leafHash!
  for (const [at, side] of sides.entries()) {
    const sibling = siblings[at]!
    hash = await crypto.sha256(side === 'left' ? joined(NODE, sibling, hash) : joined(NODE, hash, sibling))
    steps.push({ side, sibling, hash })
  }
  found.steps = steps
  return hash
}

async function checkSignature(
  checkpoint: SignedCheckpoint,
  key: Octets,
  crypto: ProofCrypto,
  found: Progress,
): Promise<void> {
  const logId = await crypto.sha256(key)
  const keyId = (await crypto.sha256(keyIdInput(checkpoint.origin, logId))).subarray(
    0,
    checkpoint.keyId.length,
  )
  if (!sameOctets(keyId, checkpoint.keyId))
    signatureWrong(
      `the checkpoint names key ${hexText(checkpoint.keyId)}, and the log's is ${hexText(keyId)}`,
    )
  const signature = rawSignature(checkpoint.signature)
  if (!(await crypto.verifyP256(key, signature, treeHeadMessage(checkpoint))))
    signatureWrong('the checkpoint is not signed by the key of the log')
  found.logId = logId
}

function hashOctets(text: string): Octets {
  const octets = base64Octets(text, 'a hash of the proof')
  if (octets.length === HASH_OCTETS) return octets
  throw new PageError(
    'PROOF_MALFORMED',
    `a hash of the proof has ${octets.length} octets, not ${HASH_OCTETS}`,
  )
}

function wrong(why: string): never {
  throw new PageError('PROOF_WRONG', why)
}

function signatureWrong(why: string): never {
  throw new PageError('SIGNATURE_WRONG', why)
}
