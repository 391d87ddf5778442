/**
 * Plays every scenario again. A new or changed one is written out with SCENARIOS=write: the difference is
 * what has to be read then.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { STAGES } from './support/stages.ts'
import { replay } from './support/transcript.ts'

const FOLDER = fileURLToPath(new URL('scenarios', import.meta.url))
const isWritten = process.env['SCENARIOS'] === 'write'

for (const [folder, stageOf] of Object.entries(STAGES)) {
  for (const name of readdirSync(`${FOLDER}/${folder}`).sort()) {
    t.test(`${folder}/${name}`, async (t) => {
      const path = `${FOLDER}/${folder}/${name}`
      const text = readFileSync(path, 'utf8')
      const copies = t.testdir({})
      let count = 0
      const played = await replay(text, stageOf, () => `${copies}/${++count}`)
      if (isWritten) writeFileSync(path, played)
      t.equal(played, text)
    })
  }
}
