/** Many keys, written and read through one member with many requests under way. */
import { CONSISTENCY, type Consistency, ERROR, FRAME_OPCODE, type FrameRequest } from '@minivault/protocol'
import { FrameCaller } from './frame-caller.ts'

const UNDERWAY = 128
const PATIENCE_MS = 10_000

export interface ManyKeys {
  /** Where the member listens. */
  readonly port: number
  readonly count: number
  /** Before the number of a key. */
  readonly prefix: string
  readonly valueBytes?: number
  readonly consistency?: Consistency
}

/** The keys, by number, of which the write was acknowledged. */
export async function writeMany(many: ManyKeys): Promise<number[]> {
  const written: number[] = []
  await eachOf(many, async (caller, n) => {
    const words = {
      opcode: FRAME_OPCODE.set,
      key: keyOf(many, n),
      value: textOf(many, n),
      fill: fillOf(many),
    }
    const called = await caller.call(words, PATIENCE_MS)
    if (called?.reply.error === ERROR.NONE) written.push(n)
  })
  return written
}

/** Those of which something else than what was written is read, or nothing. */
export async function readMany(many: ManyKeys): Promise<number[]> {
  const wrong: number[] = []
  await eachOf(many, async (caller, n) => {
    const words = { opcode: FRAME_OPCODE.get, key: keyOf(many, n), fill: fillOf(many) }
    const called = await caller.call(words, PATIENCE_MS)
    if (called?.reply.error !== ERROR.NONE || !called.value.equals(textOf(many, n))) wrong.push(n)
  })
  return wrong
}

/** The keys of which the delete was acknowledged. */
export async function deleteMany(many: ManyKeys): Promise<number[]> {
  const deleted: number[] = []
  await eachOf(many, async (caller, n) => {
    const words = { opcode: FRAME_OPCODE.delete, key: keyOf(many, n), fill: fillOf(many) }
    const called = await caller.call(words, PATIENCE_MS)
    if (called?.reply.error === ERROR.NONE) deleted.push(n)
  })
  return deleted
}

/** Those of which something is read, or no answer comes. */
export async function presentMany(many: ManyKeys): Promise<number[]> {
  const present: number[] = []
  await eachOf(many, async (caller, n) => {
    const words = { opcode: FRAME_OPCODE.get, key: keyOf(many, n), fill: fillOf(many) }
    const called = await caller.call(words, PATIENCE_MS)
    if (called?.reply.error !== ERROR.KEY_NOT_FOUND) present.push(n)
  })
  return present
}

async function eachOf({ port, count }: ManyKeys, act: (caller: FrameCaller, n: number) => Promise<void>) {
  const caller = new FrameCaller(() => port)
  let next = 0
  const worker = async () => {
    while (next < count) await act(caller, next++)
  }
  await Promise.all(Array.from({ length: UNDERWAY }, worker))
  caller.close()
}

function fillOf({ consistency = CONSISTENCY.server }: ManyKeys): (request: FrameRequest) => void {
  return (request) => {
    request.consistency = consistency
    request.deadlineMs = PATIENCE_MS
  }
}

function keyOf({ prefix }: ManyKeys, n: number): Buffer {
  return Buffer.from(`${prefix} ${n}`)
}

/** Another one for each, of the length that was asked for. */
function textOf({ prefix, valueBytes = 100 }: ManyKeys, n: number): Buffer {
  return Buffer.from(`${prefix} value ${n} `.padEnd(valueBytes, String(n)))
}
