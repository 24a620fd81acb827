import { Ending, type TestIdentity, type TestMesh } from '@datapunk/testkit'
import { join, type Mesh, type Refusal } from '../index.ts'
import { listenGuarded, type Protocol } from './guarded-servers.ts'

/** Of a mesh in which lake and stream refuse: lake in TLS 1.2 too, and nexus is whoever knocks. */
export const refusingServices = { lake: { minTls: '1.2' }, stream: {}, nexus: {} } as const

/** A mesh of `refusingServices` with both of them joined, and what tests of their refusals do with it. */
export class RefusingMesh {
  readonly testMesh: TestMesh
  readonly lake: Mesh
  readonly stream: Mesh
  /** Ends it, and whatever a test adds. */
  readonly ending: Ending

  private constructor(testMesh: TestMesh, lake: Mesh, stream: Mesh) {
    this.testMesh = testMesh
    this.lake = lake
    this.stream = stream
    this.ending = new Ending()
    this.ending.add(() => testMesh.remove())
    this.ending.add(() => lake.leave())
    this.ending.add(() => stream.leave())
  }

  static async open(testMesh: TestMesh): Promise<RefusingMesh> {
    const lake = await join('lake', { config: testMesh.configFile })
    const stream = await join('stream', { config: testMesh.configFile })
    return new RefusingMesh(testMesh, lake, stream)
  }

  pairOf(leaf: TestIdentity): { cert: string; key: string } {
    return { cert: this.testMesh.ca.chainPem(leaf), key: leaf.keyPem }
  }

  /** A server of one of them, until the end. */
  async guarded(mesh: Mesh, protocol: Protocol) {
    const { server, port, calls } = await listenGuarded(mesh, protocol)
    this.ending.add(() => server.close())
    return { port, calls }
  }

  /** Another bundle, which these have read. */
  async publish(...told: Mesh[]): Promise<void> {
    await this.testMesh.publish()
    for (const mesh of told) await mesh.refresh()
  }
}

/** Whom it refuses from now on. */
export function refusalsOf(mesh: Mesh): readonly Refusal[] {
  const refusals: Refusal[] = []
  mesh.on('refused', (refusal) => refusals.push(refusal))
  return refusals
}
