// The README's commands, run as printed against a node of this repository on a free port in an empty folder.

import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import t from 'tap'
import { startProgram } from '../../packing/src/running-node.ts'
import { isAsPrinted, readBlocks } from '../src/blocks.ts'

const ROOT = resolve(import.meta.dirname, '../../..')
const PRINTED_PORT = /\b(localhost:|127\.0\.0\.1:|redis-cli -p )3000\b/g

t.test('blocks are found and compared', (t) => {
  const page = '```sh\nrm -rf /\n```\n```bash\na\nb\n```\n\n```text\nA … B\n```\n```bash\nc\n```\n'
  t.same(readBlocks(page), [
    { line: 4, commands: 'a\nb', expected: 'A … B' },
    { line: 12, commands: 'c', expected: null },
  ])
  t.ok(isAsPrinted('A … B', 'A (1+1) B\n'))
  t.notOk(isAsPrinted('A … B', 'A (1+1) C\n'))
  t.notOk(isAsPrinted('a.c', 'abc'))
  t.end()
})

t.test('README.md does what it says', async (t) => {
  const blocks = readBlocks(readFileSync(join(ROOT, 'README.md'), 'utf8'))
  t.ok(blocks.length > 0, 'there are commands to run')
  execFileSync(process.execPath, [join(ROOT, 'tools/bundle/bundle.mjs'), join(ROOT, 'apps/node')])
  const folder = t.testdir({})
  const command = join(ROOT, 'apps/node/bin/minivault-node.js')
  const node = await startProgram(process.execPath, [command, '-port', '0', '-data', './data'], folder)
  try {
    for (const block of blocks) {
      const missing = missingPrograms(block.commands)
      if (missing.length > 0) {
        const what = `README.md:${block.line} needs ${missing.join(' and ')}, not installed here`
        // Where everything was to be installed, nothing is left out.
        if (process.env['CI'] === 'true') t.fail(what)
        else t.pass(what, { skip: what })
        continue
      }
      const commands = block.commands.replace(PRINTED_PORT, `$1${node.port}`)
      const result = spawnSync('bash', ['-e', '-o', 'pipefail', '-c', commands], {
        cwd: folder,
        encoding: 'utf8',
        timeout: 60_000,
      })
      t.equal(result.status, 0, `README.md:${block.line} runs (${result.stderr.slice(-300)})`)
      if (block.expected === null) continue
      const found = isAsPrinted(block.expected, result.stdout)
      t.ok(found, `README.md:${block.line} prints what is shown`, {
        expected: block.expected,
        printed: result.stdout,
      })
    }
  } finally {
    t.equal(await node.stop(), 0)
  }
})

/** Programs that a README may use beside what its two commands need. */
const OTHER_PROGRAMS = ['redis-cli', 'openssl']

function missingPrograms(commands: string): string[] {
  const isUsed = (program: string) => new RegExp(`^${program} `, 'm').test(commands)
  const isMissing = (program: string) => spawnSync('which', [program]).status !== 0
  return OTHER_PROGRAMS.filter((program) => isUsed(program) && isMissing(program))
}
