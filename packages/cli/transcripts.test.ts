import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { prepareFiles } from './testing/prepared-files.ts'
import { playTranscript } from './testing/transcript.ts'

const folderOfTranscripts = join(import.meta.dirname, 'transcripts')

/** `MTLS_WRITE_TRANSCRIPTS=1 node --test …` writes them anew; then read the difference. */
const writing = process.env.MTLS_WRITE_TRANSCRIPTS === '1'

describe('mtls, in transcripts of real processes', { concurrency: true }, () => {
  for (const name of readdirSync(folderOfTranscripts)) {
    test(name.replace('.txt', '').replaceAll('-', ' '), async () => {
      const file = join(folderOfTranscripts, name)
      const transcript = readFileSync(file, 'utf8')
      const folder = realpathSync(mkdtempSync(join(tmpdir(), 'mtls-')))
      try {
        await prepareFiles(folder)
        const played = await playTranscript(transcript, folder)
        if (writing) writeFileSync(file, played)
        else assert.equal(played, transcript)
      } finally {
        rmSync(folder, { recursive: true })
      }
    })
  }
})
