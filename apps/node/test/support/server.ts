/** Spawns the real program on free ports and knows when it is ready; ends with the test. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Test } from 'tap'

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const COMMAND = fileURLToPath(new URL('../../bin/minivault-node.js', import.meta.url))
/** Where it was built just before (`npm test`), the program as it is shipped: it starts ten times as fast. */
const NODE_ARGUMENTS = process.env['MINIVAULT_TEST_BUILT']
  ? [COMMAND]
  : ['--import=tsx', '--conditions=minivault:source', MAIN]

export interface Ended {
  code: number | null
  signal: NodeJS.Signals | null
  stdout: string
  stderr: string
}

export interface Server {
  child: ChildProcess
  port: number
  url: string
  readyLine: string
  stderr: () => string
  ended: Promise<Ended>
}

export function temporaryFolder(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'minivault-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Runs the program with exactly these words; for command lines that end by themselves. */
export function run(words: string[], environment: NodeJS.ProcessEnv = {}, cwd?: string) {
  const child = spawn(process.execPath, [...NODE_ARGUMENTS, ...words], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(cwd === undefined ? {} : { cwd }),
  })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (text) => (stdout += text))
  child.stderr.on('data', (text) => (stderr += text))
  const ended = new Promise<Ended>((resolve) =>
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr })),
  )
  return { child, ended, stdout: () => stdout, stderr: () => stderr }
}

/** Starts a node on a free port unless the words name one, and waits for its ready line. */
export async function startServer(
  t: Test,
  words: string[] = [],
  environment: NodeJS.ProcessEnv = {},
): Promise<Server> {
  const withPort = words.some((word) => /^--?port/.test(word)) ? words : ['-port', '0', ...words]
  const withData = words.some((word) => /^--?data/.test(word))
    ? withPort
    : [...withPort, '-data', temporaryFolder(t)]
  const started = run(withData, environment)
  t.teardown(async () => {
    started.child.kill('SIGKILL')
    await started.ended
  })
  const readyLine = await new Promise<string>((resolve, reject) => {
    const look = () => {
      const line = /^minivault ready: .*$/m.exec(started.stdout())?.[0]
      if (line !== undefined) resolve(line)
    }
    started.child.stdout.on('data', look)
    started.ended.then((ended) => reject(new Error(`the node ended: ${JSON.stringify(ended)}`)))
  })
  const port = Number(/https?:\/\/[^:]+:(\d+)/.exec(readyLine)![1])
  return {
    child: started.child,
    port,
    url: `http://127.0.0.1:${port}`,
    readyLine,
    stderr: started.stderr,
    ended: started.ended,
  }
}
