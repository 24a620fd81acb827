import { join } from '@datapunk/mesh'

// A process that joins and then has nothing to do: `node lone-peer.ts SERVICE CONFIG MEMORY`.
const [service = '', config, memory] = process.argv.slice(2)
await join(service, { config, memory })
