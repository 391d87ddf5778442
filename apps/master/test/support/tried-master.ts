/**
 * A real master on a free port, under a clock that only the test moves, and workers that are no more than an
 * HTTP server: they answer who they are, and which layout they go by.
 */

import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { type Master, type MasterOptions, startMaster } from '../../src/index.ts'
import type { MasterReply, WorkerReport } from '../../src/messages.ts'

export interface TriedMaster {
  readonly master: Master
  readonly lines: string[]
  readonly url: string
  /** Moves the clock. */
  pass(ms: number): void
  /** One turn of what it does every half second. */
  tick(): void
  report(report: WorkerReport, key?: string): Promise<{ status: number; reply: MasterReply }>
  ask(path: string, init?: RequestInit): Promise<{ status: number; value: Record<string, unknown> }>
}

export function temporaryFolder(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'minivault-master-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

export async function startTried(t: Test, options: Partial<MasterOptions> = {}): Promise<TriedMaster> {
  let elapsedMs = 1_000
  const ticks = new Set<() => void>()
  const lines: string[] = []
  const keep = (_: object, message: string) => lines.push(message)
  const master = await startMaster({
    port: 0,
    host: '127.0.0.1',
    directory: temporaryFolder(t),
    logger: { info: keep, warn: keep, error: keep },
    time: {
      now: () => elapsedMs,
      elapsedMs: () => elapsedMs,
      every: (_, run) => {
        ticks.add(run)
        return run
      },
      cancel: (run) => ticks.delete(run as () => void),
    },
    ...options,
  })
  t.teardown(() => master.close())
  const url = `http://127.0.0.1:${master.port}`
  return {
    master,
    lines,
    url,
    pass: (ms) => {
      elapsedMs += ms
    },
    tick: () => {
      for (const run of ticks) run()
    },
    report: async (report, key) => {
      const response = await fetch(`${url}/-/admin/workers`, {
        method: 'POST',
        body: JSON.stringify(report),
        headers: key === undefined ? {} : { Authorization: `Bearer ${key}` },
      })
      return { status: response.status, reply: (await response.json()) as MasterReply }
    },
    ask: async (path, init) => {
      const response = await fetch(`${url}${path}`, init)
      return { status: response.status, value: (await response.json()) as Record<string, unknown> }
    },
  }
}

export class TriedWorker {
  /** What it was asked to take in. */
  readonly asked: unknown[] = []
  /** As `/-/admin/layout` has it. */
  layout: object = {}
  status = 202
  readonly report: WorkerReport
  readonly #close: () => void

  private constructor(report: WorkerReport, close: () => void) {
    this.report = report
    this.#close = close
  }

  static async start(t: Test, nodeId: string, place: Partial<WorkerReport> = {}): Promise<TriedWorker> {
    let worker: TriedWorker | null = null
    const server = createServer((request, response) => {
      if (request.method !== 'POST') {
        const shown = request.url === '/health' ? { status: 'ok', node_id: nodeId } : worker!.layout
        response.end(JSON.stringify(shown))
        return
      }
      let text = ''
      request.on('data', (piece) => {
        text += piece
      })
      request.once('end', () => {
        worker!.asked.push(JSON.parse(text))
        response.writeHead(worker!.status)
        response.end(JSON.stringify({ success: true, code: 'LAYOUT_CHANGING' }))
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const close = () => {
      server.close()
      server.closeAllConnections()
    }
    t.teardown(close)
    const name = `127.0.0.1:${(server.address() as AddressInfo).port}`
    worker = new TriedWorker({ ...reportOf(name, nodeId), ...place }, close)
    return worker
  }

  /** As a member of a cluster. */
  member(clusterId: string, epoch = 1): WorkerReport {
    return { ...this.report, clusterId, epoch, isMember: true }
  }

  stop(): void {
    this.#close()
  }
}

export function reportOf(name: string, nodeId: string): WorkerReport {
  return {
    ...{ name, region: 'default', zone: '', nodeId },
    ...{ clusterId: null, epoch: 0, isMember: false, isSecure: false, founding: null },
  }
}
