/**
 * A value of 100 MiB passes through a process of 128 MiB, in either direction, by every kind of stream. The
 * control takes it whole and must be seen to need more.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { compileInto } from './fixtures/compiled.ts'

const MEMORY_KIB_MAX = 128 * 1024

const root = mkdtempSync(join(tmpdir(), 'minivault-large-value-'))
t.teardown(() => rmSync(root, { recursive: true, force: true }))
const script = compileInto(join(root, 'compiled'), join(import.meta.dirname, 'fixtures', 'large-value.ts'))

for (const kind of ['for-await', 'node', 'web', 'get']) {
  t.test(`out by ${kind}`, async (t) => {
    const output = execFileSync(process.execPath, [script, join(root, kind), kind], {
      encoding: 'utf8',
      // Not the options of the test itself: its compiler would count.
      env: { ...process.env, NODE_OPTIONS: '' },
    })
    const { isRight, memoryKib } = JSON.parse(output) as { isRight: boolean; memoryKib: number }
    t.ok(isRight, 'the bytes are the same')
    const isWithin = memoryKib <= MEMORY_KIB_MAX
    t.equal(isWithin, kind !== 'get', `${Math.round(memoryKib / 1024)} MiB at most`)
    rmSync(join(root, kind), { recursive: true })
  })
}
