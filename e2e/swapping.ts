import assert from 'node:assert/strict'
import type { Mesh } from '@datapunk/mesh'
import type { MeshFolder } from './mesh-folder.ts'

/** The serial of the certificate that a server shows to this member. */
export async function shownSerial(mesh: Mesh, host: string, port: number): Promise<string> {
  const socket = await mesh.connect({ host, port })
  socket.destroy()
  return mesh.peer(socket).serial
}

interface Swap {
  readonly folder: MeshFolder
  readonly service: string
  readonly times: number
  /** Makes the server read its files again. */
  readonly reload: () => Promise<unknown>
  /** The serial of the certificate it shows now. */
  readonly shown: () => Promise<string>
  /** One call by a client of ours; throws when it fails. */
  readonly call: () => Promise<unknown>
  /** Calls at any one time. */
  readonly atOnce?: number
}

/**
 * Swaps the pair of a service and makes it reload, several times over, while clients call it without a break.
 *
 * @returns how many calls were made
 * @throws the first call that failed
 */
export async function swapUnderLoad({
  folder,
  service,
  times,
  reload,
  shown,
  call,
  atOnce = 4,
}: Swap): Promise<number> {
  let calls = 0
  let over = false
  const calling = Array.from({ length: atOnce }, async () => {
    while (!over) {
      await call()
      calls++
    }
  })
  const swapping = (async () => {
    for (let n = 0; n < times; n++) {
      const before = await shown()
      const { serial } = await folder.issue(service)
      assert.notEqual(serial, before)
      await reload()
      const enough = calls + 4 * atOnce
      while ((await shown()) !== serial || calls < enough) {}
    }
  })().finally(() => {
    over = true
  })
  await Promise.all([swapping, ...calling])
  return calls
}
