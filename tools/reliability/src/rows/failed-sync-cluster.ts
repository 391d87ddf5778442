/** A cluster in which the disk of one member fails a sync: the others go on, and it says that it cannot. */
import { DURABILITY } from '@minivault/cluster'
import { ERROR, FRAME_OPCODE, type FrameRequest } from '@minivault/protocol'
import { FrameCaller } from '../nodes/frame-caller.ts'
import { MEMBERS, ThreeNodes } from '../nodes/three-nodes.ts'
import { failingSync } from '../process/served-store.ts'

const TROUBLED = 1
/** Behind the syncs of its start. */
const SYNC_THAT_FAILS = 40
const WRITES_MAX = 600
/** So many more, when it has failed. */
const WRITES_AFTER = 50
const PATIENCE_MS = 5000

/** Null: all as it must be. */
export async function failOneMember(folder: string): Promise<string | null> {
  const nodes = await ThreeNodes.start({
    folder,
    underOf: (member) => (member === TROUBLED ? failingSync(SYNC_THAT_FAILS) : []),
    environmentOf: (member) => (member === TROUBLED ? { UV_THREADPOOL_SIZE: '1' } : {}),
  })
  const healthy = MEMBERS.filter((member) => member !== TROUBLED)
  const callers = MEMBERS.map((member) => new FrameCaller(() => nodes.portOf(member)))
  try {
    let written = 0
    let left = WRITES_AFTER
    for (; written < WRITES_MAX && left > 0; written++) {
      const error = await put(callers[healthy[written % 2]!]!, written)
      if (error !== ERROR.NONE) return `write ${written} was answered ${error} by a member that is well`
      if (await isFailed(nodes)) left -= 1
    }
    if (left > 0) return `a sync failed and nobody said so in ${WRITES_MAX} writes`
    if ((await put(callers[TROUBLED]!, written)) === ERROR.NONE) written += 1
    for (const member of healthy) {
      for (let n = 0; n < written; n++) {
        if (!(await holds(callers[member]!, n))) return `member ${member} does not read key ${n}`
      }
    }
    return null
  } finally {
    for (const caller of callers) caller.close()
    await nodes.close()
  }
}

async function isFailed(nodes: ThreeNodes): Promise<boolean> {
  const health = await nodes.health(TROUBLED)
  return health !== null && health['status'] !== 'ok'
}

async function put(caller: FrameCaller, n: number): Promise<number> {
  const fill = (request: FrameRequest) => (request.durability = DURABILITY.fsync)
  const words = { opcode: FRAME_OPCODE.set, key: Buffer.from(`k${n}`), value: Buffer.from(`v${n}`), fill }
  const called = await caller.call(words, PATIENCE_MS)
  return called?.reply.error ?? -1
}

async function holds(caller: FrameCaller, n: number): Promise<boolean> {
  const called = await caller.call({ opcode: FRAME_OPCODE.get, key: Buffer.from(`k${n}`) }, PATIENCE_MS)
  return called?.reply.error === ERROR.NONE && called.value.toString() === `v${n}`
}
