import { existsSync } from 'node:fs'
import { layoutOf } from '@datapunk/protocol'
import type { Examination } from './examination.ts'
import type { Finding } from './finding.ts'

const MB = 1024 * 1024

/** A root roll-over of a thousand services, with its log and audit, writes less than this. */
const ENOUGH = 256 * MB

/** The next issue may not find room for its records. */
const TOO_LITTLE = 16 * MB

/** Whether there is room for what is written next. */
export async function diskFindings({ config, system }: Examination): Promise<Finding[]> {
  const { state } = layoutOf(config)
  if (!existsSync(state)) return []
  const free = await system.freeBytes(state)
  if (free >= ENOUGH) return []
  return [
    {
      id: 'disk-full',
      severity: free < TOO_LITTLE ? 'error' : 'warning',
      subject: state,
      found: `found ${Math.floor(free / MB)} MB free; allowed: ${ENOUGH / MB} MB and more`,
      fix: 'free space there, or move authority.state: a full disk ends renewal',
    },
  ]
}
