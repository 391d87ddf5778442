/**
 * What a process takes, as the kernel says at any time: resident memory, its peak, descriptors. And, asked
 * for by a signal, what its heap holds after a full collection: a probe that is loaded before the program
 * collects and tells; the program knows nothing of it.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Point } from './slope.ts'

const TOLD_WITHIN_MS = 5000
const LOOK_EVERY_MS = 10
const TOLD = '{"soaked":'
const PROBE = `
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { writeSync } from 'node:fs'
setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc')
process.on('SIGUSR2', () => {
  collect()
  collect()
  const { heapUsed, external } = process.memoryUsage()
  writeSync(2, '\\n${TOLD}' + (heapUsed + external) + '}\\n')
})
`
/** For the environment of a program. */
export const PROBE_OPTION = `--import=data:text/javascript,${encodeURIComponent(PROBE)}`

export class Vitals {
  readonly name: string
  readonly resident: Point[] = []
  readonly descriptors: Point[] = []
  /** What is reachable: on the heap and beside it. */
  readonly live: Point[] = []
  /** What its log has that should not be there. */
  readonly complaints: string[] = []
  readonly warnings = new Map<string, number>()
  peakBytes = 0
  #unfinished = ''
  #told = 0

  constructor(name: string) {
    this.name = name
  }

  /** Whether there was anything to look at. */
  look(pid: number, atMs: number): boolean {
    try {
      const status = readFileSync(`/proc/${pid}/status`, 'utf8')
      this.resident.push({ atMs, value: bytesOf(status, 'VmRSS') })
      this.peakBytes = Math.max(this.peakBytes, bytesOf(status, 'VmHWM'))
      this.descriptors.push({ atMs, value: readdirSync(`/proc/${pid}/fd`).length })
      return true
    } catch {
      // It has just ended.
      return false
    }
  }

  /** Full collections stand still for as long as they take: they are asked for seldom. */
  async collect(pid: number, atMs: number): Promise<void> {
    const { length } = this.live
    process.kill(pid, 'SIGUSR2')
    for (let waited = 0; waited < TOLD_WITHIN_MS && this.#told === 0; waited += LOOK_EVERY_MS)
      await sleep(LOOK_EVERY_MS)
    if (this.#told > 0 && this.live.length === length) this.live.push({ atMs, value: this.#told })
    this.#told = 0
  }

  /** Of its log: JSON lines are its own; whatever else stands there the runtime has said. */
  hear(text: string): void {
    const lines = `${this.#unfinished}${text}`.split('\n')
    this.#unfinished = lines.pop()!
    for (const line of lines) if (line !== '') this.#hearLine(line)
  }

  #hearLine(line: string): void {
    if (line.startsWith(TOLD)) {
      this.#told = (JSON.parse(line) as { soaked: number }).soaked
      return
    }
    if (!line.startsWith('{')) return void this.complaints.push(line)
    const { level, msg } = JSON.parse(line) as { level: number; msg: string }
    if (level >= ERROR_LEVEL) this.complaints.push(line)
    else if (level >= WARNING_LEVEL) this.warnings.set(msg, (this.warnings.get(msg) ?? 0) + 1)
  }
}

/** pino's numbers. */
const WARNING_LEVEL = 40
const ERROR_LEVEL = 50

function bytesOf(status: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0) * 1024
}

/** What the descriptors are, for whoever has to find out which grow. */
export function descriptorKinds(pid: number): string {
  const kinds = new Map<string, number>()
  for (const fd of readdirSync(`/proc/${pid}/fd`)) {
    const kind = kindOf(`/proc/${pid}/fd/${fd}`)
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
  }
  return [...kinds].map(([kind, count]) => `${count} ${kind}`).join(', ')
}

function kindOf(path: string): string {
  try {
    const target = readlinkSync(path)
    return target.startsWith('/') ? (target.split('/').at(-2) ?? target) : target.replace(/:?\[.*/, '')
  } catch {
    return 'gone'
  }
}
