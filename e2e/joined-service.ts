import { join } from '@datapunk/mesh'

/** A service in a process of its own that joins and stays: `node e2e/joined-service.ts CONFIG SERVICE`. */
const [config = '', service = ''] = process.argv.slice(2)
const mesh = await join(service, { config })
// Nothing that a mesh does keeps its process alive.
setInterval(() => {}, 60_000)
console.log(`${mesh.self.service} has joined`)
