import { readFileSync } from 'node:fs'
import { parseCertificate } from '@datapunk/pki'
import { parseConfig } from '@datapunk/protocol'
import { logOpener } from '../log-opener.ts'

// A process that does nothing but submit, and says what it was answered: tests kill it. It is told the config file, a file with
// chains (JSON, of DER in base64), and the time, milliseconds since the epoch.
const [configFile = '', chainsFile = '', time = ''] = process.argv.slice(2)

const config = parseConfig(readFileSync(configFile, 'utf8'), { file: configFile })
const chains = (JSON.parse(readFileSync(chainsFile, 'utf8')) as string[][]).map((chain) =>
  chain.map((der) => Buffer.from(der, 'base64')),
)
const log = await logOpener(config, () => Number(time))({ meshId: '00', generation: 1, fresh: false }, () =>
  Promise.reject(new TypeError('this log is in its own process')),
)

for (let first = 0; first < chains.length; first += 7)
  await Promise.all(
    chains.slice(first, first + 7).map(async (chain) => {
      const sct = await log.submit(chain)
      const { serial } = parseCertificate(chain[0]!)
      process.stdout.write(`${serial} ${Buffer.from(sct).toString('base64')}\n`)
    }),
  )
await log.close()
