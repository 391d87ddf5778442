// The documents' make targets: what each would run.

import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join, resolve } from 'node:path'
import t from 'tap'

const ROOT = resolve(import.meta.dirname, '../../..')

const TARGETS: Readonly<Record<string, RegExp>> = {
  '': /^node scripts\/build\.mjs$/,
  build: /^node scripts\/build\.mjs$/,
  'build-optimized': /^node scripts\/standalone\.mjs$/,
  test: /^node scripts\/test\.mjs$/,
  bench: /^node scripts\/bench\.mjs storage --quick$/,
  'docker-build': /^docker build -t minivault:latest \.$/,
  'docker-run': /^docker( |-)compose up -d$/,
}

t.test('make', (t) => {
  for (const [target, expected] of Object.entries(TARGETS)) {
    const words = ['--dry-run', '--no-print-directory', ...(target === '' ? [] : [target])]
    const { status, stdout, stderr } = spawnSync('make', words, { cwd: ROOT, encoding: 'utf8' })
    t.equal(status, 0, `make ${target} ${stderr}`)
    t.match(stdout.trim(), expected)
    const script = /scripts\/\S+/.exec(stdout)?.[0]
    t.ok(script === undefined || existsSync(join(ROOT, script)), `${script} is there`)
  }
  t.end()
})
