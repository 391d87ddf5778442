/** What the tests of large values do again and again, and what they look at. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { FRAME_FLAG, FRAME_OPCODE } from '@minivault/protocol'
import type { Test } from 'tap'
import { keyed } from './binary-client.ts'
import { frameOf } from './frame-client.ts'
import {
  connect,
  documentedSetHead,
  greet,
  type Pattern,
  pushChunks,
  pushValue,
  Taker,
} from './large-client.ts'
import { startServer, temporaryFolder } from './server.ts'

function residentBytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) * 1024
}

/** The most that was resident while `work` ran, above what was before. */
export async function growthOf(pid: number, work: () => Promise<void>): Promise<number> {
  const before = residentBytes(pid)
  let most = before
  const timer = setInterval(() => {
    most = Math.max(most, residentBytes(pid))
  }, 5)
  try {
    await work()
  } finally {
    clearInterval(timer)
  }
  return most - before
}

/** Files under `blobs/`. */
export function blobsIn(directory: string): string[] {
  const blobs = join(directory, 'blobs')
  if (!existsSync(blobs)) return []
  return readdirSync(blobs, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}

export async function until(
  what: () => boolean | Promise<boolean>,
  patienceMs = 10_000,
  everyMs = 10,
): Promise<boolean> {
  for (let waited = 0; waited < patienceMs; waited += everyMs) {
    if (await what()) return true
    await sleep(everyMs)
  }
  return false
}

export async function setDocumented(port: number, key: string, value: Pattern): Promise<number> {
  const socket = await connect(port)
  const taker = new Taker(socket)
  socket.write(documentedSetHead(key, value.size))
  await pushValue(socket, value)
  const reply = await taker.exactly(5)
  socket.destroy()
  return reply[0]!
}

export async function getDocumented(port: number, key: string, value: Pattern, pauseMs = 0): Promise<number> {
  const socket = await connect(port)
  const taker = new Taker(socket)
  socket.write(keyed(0x01, key))
  const right = await taker.value(value, pauseMs)
  socket.destroy()
  return right
}

export async function setFrames(port: number, key: string, value: Pattern, asking = {}): Promise<number> {
  const socket = await connect(port)
  await greet(socket)
  const taker = new Taker(socket)
  await pushChunks(socket, key, value, { frameId: 9, ...asking })
  const { reply } = await taker.frame()
  socket.destroy()
  return reply.error
}

/** How many bytes were right; below zero: the error of the reply. */
export async function takeFrames(taker: Taker, value: Pattern, frameId: number): Promise<number> {
  for (let at = 0; ; ) {
    const frame = await taker.frame()
    if (frame.reply.frameId !== frameId) throw new Error('another reply came between')
    if (frame.reply.error !== 0) return -frame.reply.error
    if (frame.reply.chunkOffset !== at || frame.reply.totalBytes !== value.size) return -1000
    if (!value.matches(frame.value, at)) return -1001
    at += frame.value.length
    if ((frame.reply.flags & FRAME_FLAG.more) === 0) return at
  }
}

export async function getFrames(port: number, key: string, value: Pattern): Promise<number> {
  const socket = await connect(port)
  await greet(socket)
  const taker = new Taker(socket)
  socket.write(frameOf(FRAME_OPCODE.get, { key }, 3))
  const right = await takeFrames(taker, value, 3)
  socket.destroy()
  return right
}

export async function serverWith(t: Test, durability = 'os') {
  const directory = temporaryFolder(t)
  const server = await startServer(t, ['-data', directory, '-durability', durability])
  return { directory, port: server.port, pid: server.child.pid!, server }
}
