import { randomBytes } from 'node:crypto'
import { REPORT_EVERY, sealAcknowledgement, sealHello } from '@datapunk/protocol'
import { AuthorityLink } from '../packages/mesh/authority/authority-link.ts'
import { AuthorityRoute } from '../packages/mesh/authority/authority-route.ts'
import { type OfferedDocument, OfferedDocuments } from '../packages/mesh/authority/offered-documents.ts'
import { systemClock } from '../packages/mesh/clock.ts'
import { MeshError } from '../packages/mesh/error.ts'
import type { MeshDocuments } from '../packages/mesh/files/mesh-files.ts'
import { Membership } from '../packages/mesh/membership/membership.ts'

/** Many peers in one process, without the files and watches that each service has: `node bench/peer-fleet.ts CONFIG PEERS`. */
const [file = '', peers = '1'] = process.argv.slice(2)
const place = { file, environment: undefined, root: undefined }
const membership = await Membership.open({
  ...{ place, service: 'lake', clock: systemClock, random: randomBytes, pollEvery: 2 ** 31 - 1 },
  memory: `${file}.memory-${process.pid}`,
})
const { identity, view } = membership.current()
const common = { meshId: view.trust.meshId, serial: identity.leaf.serial }
const signer = identity.signer()

class FleetPeer {
  readonly #peer = randomBytes(16).toString('hex')
  readonly #offered: OfferedDocuments
  readonly #link: AuthorityLink
  #documents: MeshDocuments = { trust: view.trust, bundle: view.bundle }
  #queue: Promise<void> = Promise.resolve()

  constructor(opened: () => void) {
    const unexpected = (what: unknown) => {
      throw what
    }
    this.#link = new AuthorityLink({
      route: new AuthorityRoute({
        ...{ place: () => membership.authority, current: () => membership.current(), clock: systemClock },
        refused: unexpected,
      }),
      ...{ clock: systemClock, random: randomBytes, failed: unexpected },
      greet: (nonce) => this.#hello(nonce),
      received: (document) => {
        this.#queue = this.#queue.then(() => this.#take(document))
      },
      heard: () => {},
      opened: () => {
        void this.#acknowledge().then(opened)
      },
    })
    // Whoever says nothing hears nothing, and takes the stream for ended.
    setInterval(() => this.#report(), REPORT_EVERY)
    this.#offered = new OfferedDocuments((ref, base) => this.#link.section(ref, base))
  }

  async #hello(nonce: string) {
    const { trust, bundle } = this.#documents
    const believed = { checkpoints: [], trustStatement: trust.number, bundle: bundle.head.number }
    const hello = { ...common, ...believed, peer: this.#peer, nonce, version: 'bench', formats: [1] }
    return { type: 'hello', document: await sealHello(hello, signer) } as const
  }

  async #take(document: OfferedDocument): Promise<void> {
    try {
      const latest = Date.now() + 60_000
      await this.#offered.gather(document, this.#documents, latest)
      this.#documents = this.#offered.believe(document, this.#documents, latest)
    } catch (error) {
      // Overtaken: the next bundle is on its way.
      if (error instanceof MeshError && error.code === 'BUNDLE_MISSING') return
      throw error
    }
    await this.#acknowledge()
  }

  #report(): void {
    const { number } = this.#documents.bundle.head
    const nothing = { connections: [], open: 0, refused: {}, reported: {} }
    const report = { ...nothing, serial: identity.leaf.serial, version: 'bench', bundle: number }
    this.#link.send({ type: 'report', report })
  }

  async #acknowledge(): Promise<void> {
    const { trust, bundle } = this.#documents
    const said = { bundleKey: bundle.signedBy, number: bundle.head.number, digest: bundle.digest }
    const document = await sealAcknowledgement(
      { ...common, ...said, peer: this.#peer, trustStatement: trust.number, checkpoints: [] },
      signer,
    )
    this.#link.send({ type: 'acknowledgement', document })
  }
}

// Nothing a peer does keeps its process alive.
setInterval(() => {}, 60_000)
for (let n = 0; n < Number(peers); n++) await new Promise<void>((opened) => new FleetPeer(opened))
process.send?.('connected')
