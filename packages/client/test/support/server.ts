/** The real program, spawned on a free port; ends with the test. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'

const NODE = new URL('../../../../apps/node/', import.meta.url)
/** Where it was built just before (`npm test`), the program as it is shipped: it starts ten times as fast. */
const NODE_ARGUMENTS = process.env['MINIVAULT_TEST_BUILT']
  ? [fileURLToPath(new URL('bin/minivault-node.js', NODE))]
  : ['--import=tsx', '--conditions=minivault:source', fileURLToPath(new URL('src/main.ts', NODE))]

export interface Server {
  child: ChildProcess
  port: number
}

export function temporaryFolder(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'minivault-client-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

export async function startServer(t: Test, words: string[] = [], data = temporaryFolder(t)): Promise<Server> {
  const withPort = words.includes('-port') ? words : ['-port', '0', ...words]
  const child = spawn(
    process.execPath,
    [...NODE_ARGUMENTS, ...withPort, '-host', '127.0.0.1', '-data', data],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  const ended = new Promise<void>((resolve) => child.on('close', () => resolve()))
  t.teardown(async () => {
    child.kill('SIGKILL')
    await ended
  })
  const port = await new Promise<number>((resolve, reject) => {
    let out = ''
    let err = ''
    child.stderr.on('data', (text) => (err += text))
    child.stdout.on('data', (text) => {
      out += text
      const ready = /^minivault ready: .*https?:\/\/[^:]+:(\d+)/m.exec(out)
      if (ready) resolve(Number(ready[1]))
    })
    ended.then(() => reject(new Error(`the node ended: ${out}${err}`)))
  })
  return { child, port }
}
