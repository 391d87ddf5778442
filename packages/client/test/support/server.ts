/** The real program, spawned on a free port; ends with the test. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'

const MAIN = fileURLToPath(new URL('../../../../apps/node/src/main.ts', import.meta.url))

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
    ['--import=tsx', '--conditions=minivault:source', MAIN, ...withPort, '-host', '127.0.0.1', '-data', data],
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
