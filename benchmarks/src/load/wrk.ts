/**
 * wrk(1) as the load generator of HTTP: one thread, every connection with one request on its way. The
 * requests are encoded before, and given to it by a file, so that keys vary and bodies cost it nothing. It
 * knows statuses only: whether replies hold what they should is asked before it begins.
 */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { BenchmarkError } from '../benchmark-error.ts'
import { pinned } from '../servers/pinning.ts'
import { HOST, type Server } from '../servers/server.ts'
import { readCpuSeconds } from '../servers/server-process.ts'
import type { LoadFigures } from './load-figures.ts'

/** Its own default is 2 s, which a server with 1000 connections may need. */
const TIMEOUT_SECONDS = 10
const ERRORS_FROM_STATUS = 400
const RESULT = 'result '

const SCRIPT = `local requests, count, at = {}, 0, 0
function init(arguments)
  local file = assert(io.open(arguments[1], 'rb'))
  local length = file:read('*l')
  while length do
    count = count + 1
    requests[count] = file:read(tonumber(length))
    length = file:read('*l')
  end
  file:close()
end
function request()
  at = at % count + 1
  return requests[at]
end
function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '${RESULT}{"requests":%d,"micros":%d,"statusErrors":%d,"lost":%d,"p50":%d,"p99":%d,"p999":%d}\\n',
    summary.requests, summary.duration, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50), latency:percentile(99), latency:percentile(99.9)))
end
`

export function requireWrk(): string {
  const { stdout, error } = spawnSync('wrk', ['-v'], { encoding: 'utf8' })
  if (error === undefined) return /wrk \S*?(\d+\.\d+\.\d+)/.exec(stdout)?.[1] ?? 'unknown'
  throw new BenchmarkError('BENCH_MISSING', 'wrk is not installed: `apt-get install wrk` brings it')
}

export interface WrkLoad {
  readonly connections: number
  /** Of every reply. */
  readonly status: number
}

/** The requests that are sent, over and over in this order; `close()` removes their file. */
export class WrkRequests {
  readonly #directory = mkdtempSync(join(tmpdir(), 'minivault-wrk-'))

  constructor(requests: readonly string[]) {
    const text = requests.map((request) => `${Buffer.byteLength(request, 'latin1')}\n${request}`).join('')
    writeFileSync(join(this.#directory, 'requests'), text, 'latin1')
    writeFileSync(join(this.#directory, 'script.lua'), SCRIPT)
  }

  async send(server: Server, load: WrkLoad, seconds: number, core: number | null): Promise<LoadFigures> {
    const how = ['-t', 1, '-c', load.connections, '-d', `${seconds}s`, '--timeout', `${TIMEOUT_SECONDS}s`]
    const what = ['-s', join(this.#directory, 'script.lua'), `http://${HOST}:${server.port}`]
    const words = [...how, ...what, '--', join(this.#directory, 'requests')].map(String)
    const cpuBefore = readCpuSeconds(server.pid)
    const found = readResult(await runWrk(words, core))
    const serverCpuSeconds = readCpuSeconds(server.pid) - cpuBefore
    const wrong = load.status < ERRORS_FROM_STATUS ? found.statusErrors : found.requests - found.statusErrors
    if (wrong + found.lost > 0 || found.requests === 0) {
      const statuses = `${wrong} of ${found.requests} with another status than ${load.status}`
      const counts = `${statuses}, ${found.lost} lost`
      throw new BenchmarkError('BENCH_INVALID', `invalid run against ${server.plan.name}: ${counts}`)
    }
    return {
      operations: found.requests,
      seconds: found.micros / 1e6,
      opsPerSecond: found.requests / (found.micros / 1e6),
      serverCpuSeconds,
      serverCpuMicrosPerOp: (serverCpuSeconds * 1e6) / found.requests,
      clientCpuShare: 0,
      p50Micros: found.p50,
      p99Micros: found.p99,
      p999Micros: found.p999,
      invalid: null,
    }
  }

  [Symbol.dispose](): void {
    rmSync(this.#directory, { recursive: true, force: true })
  }
}

async function runWrk(words: readonly string[], core: number | null): Promise<string> {
  const [command, args] = pinned(core, 'wrk', [...words])
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  const keep = (text: Buffer) => {
    output += text.toString()
  }
  child.stdout.on('data', keep)
  child.stderr.on('data', keep)
  const [code] = await once(child, 'close')
  if (code === 0) return output
  throw new BenchmarkError('BENCH_INVALID', `wrk ended with ${code}: ${output.trim().slice(0, 200)}`)
}

interface WrkResult {
  readonly requests: number
  readonly micros: number
  /** Replies of 400 and above. */
  readonly statusErrors: number
  /** Connections and replies that did not come. */
  readonly lost: number
  readonly p50: number
  readonly p99: number
  readonly p999: number
}

export function readResult(output: string): WrkResult {
  const line = output.split('\n').find((one) => one.startsWith(RESULT))
  if (line === undefined) {
    throw new BenchmarkError('BENCH_INVALID', `wrk said: ${output.trim().slice(0, 200)}`)
  }
  return JSON.parse(line.slice(RESULT.length)) as WrkResult
}
