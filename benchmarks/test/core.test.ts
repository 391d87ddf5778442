/** The benchmark of the quorum core: its page, and a moment of the real thing. */
import { spawnSync } from 'node:child_process'
import t from 'tap'
import { corePage } from '../src/core/core.ts'
import { machineFacts } from '../src/machine.ts'

t.test('the page judges every operation and the histories', async (test) => {
  const rounds = (coordinator: number) => [{ all: 9, coordinator }]
  const page = corePage(machineFacts(), {
    operations: { put: rounds(5), get: rounds(5.1) },
    histories: [100],
  })
  test.match(page, /put 5\.0 µs, reached; get 5\.1 µs, \*\*missed\*\*\./)
  test.match(page, /second of CPU: 100 \(100–100\), reached\./)
  test.match(page, /\| put \| 5\.0 \(5\.0–5\.0\) \| 9\.0 \(9\.0–9\.0\) \|/)
})

t.test('it measures', async (test) => {
  const args = ['--import=tsx', 'src/main.ts', 'core', '--quick', '--operations', '1000', '--histories', '2']
  const cwd = new URL('..', import.meta.url)
  const { stdout, status, stderr } = spawnSync(process.execPath, args, { cwd, encoding: 'utf8' })
  test.equal(status, 0, stderr)
  for (const name of ['put', 'get', 'conditional yes', 'conditional no']) {
    test.match(stdout, new RegExp(`\\| ${name} \\| -?\\d`))
  }
})
