/**
 * better-sqlite3 has to be compiled where no binary for this Node can be fetched, which takes a minute. The
 * workspace's install leaves that out (`allowBuilds` in pnpm-workspace.yaml), so that nobody who only runs
 * the tests waits for it; the first `pnpm bench storage` does it by the package's own install script.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { BenchmarkError } from '../benchmark-error.ts'
import { ROOT } from '../machine.ts'
import type { EngineName } from './engines/engine.ts'

const require = createRequire(import.meta.url)

function hasSqlite(): boolean {
  try {
    const Database = require('better-sqlite3') as typeof import('better-sqlite3')
    new Database(':memory:').close()
    return true
  } catch {
    return false
  }
}

/**
 * Those of the engines that can run here. A benchmark asks for better-sqlite3 before (`requireSqlite`); the
 * tests do without where it is not compiled.
 */
export function present<Name extends EngineName>(engines: readonly Name[]): Name[] {
  const sqlite = hasSqlite()
  return engines.filter((name) => name !== 'better-sqlite3' || sqlite)
}

export async function requireSqlite(): Promise<void> {
  if (hasSqlite()) return
  const { say } = await import(pathToFileURL(join(ROOT, 'scripts', 'setup', 'step.mjs')).href)
  const setup = await import(pathToFileURL(join(ROOT, 'scripts', 'setup', 'install.mjs')).href)
  say('compiling better-sqlite3, once (about a minute) …')
  const cwd = dirname(require.resolve('better-sqlite3/package.json'))
  const env = setup.installEnvironment({ binDirectory: '' })
  const child = spawn('npm', ['run', 'install'], { cwd, env, stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.on('data', (text: Buffer) => {
    said = (said + text.toString()).slice(-1000)
  })
  const [code] = await once(child, 'exit')
  if (code === 0 && hasSqlite()) return
  const lastLine = said.trim().split('\n').at(-1)
  throw new BenchmarkError(
    'BENCH_MISSING',
    `better-sqlite3 could not be compiled (g++, make, python3?): ${lastLine}`,
  )
}
