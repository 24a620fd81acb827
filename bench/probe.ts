import { freePort } from '@datapunk/testkit'
import { Greeter } from '../e2e/greeter.ts'
import { MeshFolder } from '../e2e/mesh-folder.ts'
import { mtls, startMtls } from '../e2e/mtls.ts'
import { ROUNDS } from './measure.ts'
import { printRows } from './table.ts'

/**
 * `mtls probe` of three services, from the start of its process to its end: the first of a mesh, which has the certificates made
 * that must be refused and waits for one of them to end, and those after it; and `mtls probe --rehearse` of the same three.
 *
 *     node bench/probe.ts
 */
const names = ['lake', 'stream', 'nexus']
const certificates = { organization: 'Datapunk', country: 'US', key_size: 2048 }
const [first, later, rehearsed, started]: number[][] = [[], [], [], []]

async function timed(args: readonly string[], mesh: MeshFolder, into: number[] = []): Promise<void> {
  const begun = performance.now()
  const { code, stdout, stderr } = await mtls([...args, '--config', mesh.configFile])
  into.push(performance.now() - begun)
  if (code !== 0) throw new Error(`mtls ${args.join(' ')}: ${stdout}${stderr}`)
}

for (let round = 0; round < 3; round++) {
  const ports = await Promise.all(names.map(() => freePort()))
  const services = Object.fromEntries(
    names.map((name, index) => [name, { address: `127.0.0.1:${ports[index]}` }]),
  )
  const mesh = MeshFolder.planned({ services, certificates })
  const up = startMtls(['up', '--config', mesh.configFile])
  await up.says(/ready:/)
  const greeters: Greeter[] = []
  for (const [index, name] of names.entries()) greeters.push(await Greeter.start(mesh, name, ports[index]))
  await timed(['probe'], mesh, first)
  for (let again = 0; again < ROUNDS; again++) {
    await timed(['probe'], mesh, later)
    await timed(['schema'], mesh, started)
  }
  await timed(['probe', '--rehearse'], mesh, rehearsed)
  for (const greeter of greeters) await greeter.stop()
  await up.stop()
  mesh.remove()
}

const seconds = (times: readonly number[] = []) => {
  const sorted = [...times].sort((a, b) => a - b).map((time) => (time / 1000).toFixed(1))
  return `${sorted[Math.floor(sorted.length / 2)]} s (${sorted[0]} to ${sorted.at(-1)})`
}
const goal = '≤ 10 s'
const isMet = (times: readonly number[] = []) => Math.max(...times) <= 10_000
printRows([
  { what: 'the first probe of three services', found: seconds(first), goal, met: isMet(first) },
  {
    ...{ what: 'a probe after it', found: seconds(later), goal, met: isMet(later) },
    limit: `${seconds(started)}, a command that does nothing; 2 s, between two reports of a peer`,
  },
  { what: 'a rehearsal of them', found: seconds(rehearsed) },
])
