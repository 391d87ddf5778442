/** A client that takes a large value slowly, but takes it, is not cut off; one that takes nothing is. */
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { startNode } from '../src/node.ts'
import { systemTime } from '../src/time.ts'
import { keyed } from './support/binary-client.ts'
import { connect, Pattern, Taker } from './support/large-client.ts'
import { setDocumented } from './support/large-transfers.ts'
import { temporaryFolder } from './support/server.ts'

/** Sweeps see 40 s pass in each second. */
const FASTER = 40
const time = {
  ...systemTime,
  every: (ms: number, run: () => void) => systemTime.every(ms / FASTER, run),
}
/** More than the kernel's buffers take. */
const VALUE = new Pattern(40 * 1024 * 1024, 1)

for (const plainStreams of [false, true]) {
  t.test(`a large value to a slow reader (plain streams: ${plainStreams})`, async (t) => {
    const directory = temporaryFolder(t)
    const options = { port: 0, host: '127.0.0.1', directory, durability: 0, plainStreams, time } as const
    const node = await startNode(options)
    t.teardown(() => node.close())
    await setDocumented(node.port, 'k', VALUE)
    const slow = await connect(node.port)
    const taker = new Taker(slow)
    slow.write(keyed(0x01, 'k'))
    t.equal(await taker.value(VALUE, 5), VALUE.size)
    slow.destroy()
    const deaf = await connect(node.port)
    const untaken = new Taker(deaf)
    deaf.write(keyed(0x01, 'k'))
    await sleep(1500)
    const taken = await untaken.value(VALUE)
    t.ok(taken > 0 && taken < VALUE.size, `${taken} bytes, then the end`)
    deaf.destroy()
  })
}
