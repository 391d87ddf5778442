/** Debian's redis-server on a free port, without persistence: what our replies are compared with. */
import { spawn, spawnSync } from 'node:child_process'
import { freePort } from '@minivault/free-port'
import type { Test } from 'tap'
import { temporaryFolder } from './server.ts'

/** Undefined where the program is missing. */
export function redisVersion(): string | undefined {
  const { status, stdout } = spawnSync('redis-server', ['--version'], { encoding: 'utf8' })
  return status === 0 ? /v=([0-9.]+)/.exec(stdout)?.[1] : undefined
}

/** Its port. */
export async function startRedis(t: Test): Promise<number> {
  const port = await freePort()
  const words = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
  const child = spawn('redis-server', [...words, '--dir', temporaryFolder(t)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = new Promise<void>((resolve) => child.on('close', () => resolve()))
  t.teardown(async () => {
    child.kill('SIGKILL')
    await ended
  })
  let log = ''
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (text) => {
      log += text
      if (log.includes('Ready to accept connections')) resolve()
    })
    ended.then(() => reject(new Error(`redis-server ended: ${log}`)))
  })
  return port
}
