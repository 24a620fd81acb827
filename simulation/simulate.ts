import { parseArgs } from 'node:util'
import type { Scenario } from './scenario.ts'
import type { Outcome } from './simulation.ts'

/**
 * Lets one mesh after the other live, until all of them together have lived so many years.
 *
 *     npm run simulate -- --years 100 --seed S     the meshes S, S.1, S.2, …
 *     npm run simulate -- --seed S.17 --trace      that one again, and all that happens to it
 *     npm run simulate -- --years 100 --calm --services 10 --fake-signatures
 */
const usage =
  'npm run simulate -- [--years N] [--seed S] [--services N] [--calm] [--fake-signatures] [--trace]'

const values = asked()
const years = amountOf('years', values.years)
if (values['fake-signatures']) await import('./fake-signatures.ts')
// Only now, so that they get what is faked.
const { drawScenario } = await import('./scenario.ts')
const { simulate } = await import('./simulation.ts')

const options = {
  calm: values.calm,
  ...(values.services !== undefined && { services: amountOf('services', values.services) }),
}
const trace = values.trace ? (line: string) => console.error(line) : undefined

let lived = 0
let number = 0
do {
  const seed = number === 0 ? values.seed : `${values.seed}.${number}`
  const scenario = drawScenario(seed, options)
  try {
    const outcome = await simulate(scenario, trace)
    lived += outcome.years
    console.log(`seed ${seed}: ${textOf(scenario, outcome)}`)
  } catch (error) {
    const again = Object.entries({ ...options, 'fake-signatures': values['fake-signatures'] }).flatMap(
      ([name, value]) => (value === false ? [] : value === true ? [`--${name}`] : [`--${name} ${value}`]),
    )
    console.error(`seed ${seed} failed: ${error}`)
    console.error(`again: npm run simulate -- ${['--seed', seed, ...again, '--trace'].join(' ')}`)
    process.exit(1)
  }
  number++
} while (lived < years)
const { user, system } = process.cpuUsage()
const seconds = (user + system) / 1e6
console.log(
  `${lived.toFixed(1)} mesh-years in ${seconds.toFixed(1)} s of CPU: ${(lived / seconds).toFixed(2)} a second`,
)

function textOf({ file }: Scenario, outcome: Outcome): string {
  const { authority, certificates, services } = file.config
  const { years, ...counts } = outcome
  return [
    `${years.toFixed(2)} years of ${services.size} services`,
    `leaves of ${certificates.validityDays.toFixed(2)} days, bundles of ${authority.bundleDays}`,
    ...Object.entries(counts).map(([name, count]) => `${name} ${count}`),
  ].join(', ')
}

function asked() {
  try {
    return parseArgs({
      options: {
        years: { type: 'string', default: '0' },
        seed: { type: 'string', default: String(Date.now()) },
        services: { type: 'string' },
        calm: { type: 'boolean', default: false },
        'fake-signatures': { type: 'boolean', default: false },
        trace: { type: 'boolean', default: false },
      },
    }).values
  } catch (error) {
    return refuse((error as Error).message)
  }
}

function amountOf(name: string, text: string): number {
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text)
  return refuse(`found --${name} ${JSON.stringify(text)}; allowed: a number`)
}

function refuse(found: string): never {
  console.error(`${found}\nusage: ${usage}`)
  process.exit(2)
}
