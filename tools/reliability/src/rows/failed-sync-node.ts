/**
 * The node program with a disk that fails one sync: what a client sees over HTTP.
 */
import type { ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { failingSync, killUnder, startUnder } from '../process/served-store.ts'
import { builtMain } from '../wire/node-program.ts'

const SYNC_THAT_FAILS = 15
const WRITES_MAX = 100
const READY = /^minivault ready: .*?http:\/\/[^:]+:(\d+)/

interface Running {
  child: ChildProcess
  url: string
}

async function start(directory: string, under: readonly string[]): Promise<Running> {
  const words = ['-port', '0', '-host', '127.0.0.1', '-data', directory]
  const child = startUnder(under, [await builtMain(), ...words])
  let said = ''
  child.stderr!.on('data', (text) => (said += text))
  const port = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout! }).on('line', (line) => {
      const match = READY.exec(line)
      if (match !== null) resolve(match[1]!)
    })
    child.on('close', () => reject(new Error(`the node ended: ${said}`)))
  })
  return { child, url: `http://127.0.0.1:${port}` }
}

async function put(url: string, n: number): Promise<number> {
  const body = JSON.stringify({ value: `value ${n}` })
  const response = await fetch(`${url}/k${n}`, { method: 'PUT', body })
  await response.arrayBuffer()
  return response.status
}

async function holds(url: string, n: number): Promise<boolean> {
  const response = await fetch(`${url}/k${n}`)
  const text = await response.text()
  return response.status === 200 && text.includes(`"value ${n}"`)
}

async function fail({ url }: Running): Promise<{ problem: string | null; acknowledged: number }> {
  let n = 1
  let status = 200
  for (; n <= WRITES_MAX; n++) {
    status = await put(url, n)
    if (status !== 200) break
  }
  const acknowledged = n - 1
  const say = (problem: string) => ({ problem, acknowledged })
  // 504: in doubt. Its bytes were written, and may or may not be there after a restart.
  if (status !== 503 && status !== 504)
    return say(`the failed write was answered with ${status} (${n} of ${WRITES_MAX})`)
  if ((await put(url, n)) !== 503) return say('a later write was not answered with 503')
  for (let i = 1; i <= acknowledged; i++)
    if (!(await holds(url, i))) return say(`read-only: k${i} cannot be read`)
  const health = (await (await fetch(`${url}/health`)).json()) as { status?: string }
  if (health.status === 'ok' || health.status === undefined) return say(`/health says ${health.status}`)
  return { problem: null, acknowledged }
}

/** Null: all as it must be. */
export async function failNode(directory: string): Promise<string | null> {
  const failing = await start(directory, failingSync(SYNC_THAT_FAILS))
  const { problem, acknowledged } = await fail(failing).finally(() => killUnder(failing.child))
  if (problem !== null) return problem
  const again = await start(directory, [])
  try {
    for (let i = 1; i <= acknowledged; i++) if (!(await holds(again.url, i))) return `k${i} is lost`
    return (await put(again.url, 1)) === 200 ? null : 'does not write again'
  } finally {
    await killUnder(again.child)
  }
}
