/** A node that is killed and comes back under calls that must not happen twice, or by half. */
import t from 'tap'
import { Client, type ClientError } from '../src/index.ts'
import { startServer, temporaryFolder } from './support/server.ts'

const KILLS = 3
const BATCH_KEYS = 20
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

t.test('increments, conditions and batches through kill -9', async (t) => {
  const data = temporaryFolder(t)
  let server = await startServer(t, ['-durability', 'os'], data)
  const words = ['-port', `${server.port}`, '-durability', 'os']
  const url = `minivault://127.0.0.1:${server.port}`
  const client = Client.open({ url, protocol: 'frames', timeoutMs: 30_000, retriesMax: 20 })
  t.teardown(() => client.close())
  const sums = new Set<bigint>()
  const won: string[] = []
  const failures: ClientError[] = []
  let doubtful = 0
  let batches = 0
  let isOver = false
  const fail = (error: ClientError) => {
    failures.push(error)
    if (error.inDoubt) doubtful++
  }

  const count = async () => {
    while (!isOver) {
      await client.increment('counter').then((sum) => {
        if (sums.has(sum)) t.fail(`the sum ${sum} was given twice`)
        sums.add(sum)
      }, fail)
    }
  }
  const race = async (name: string) => {
    for (let i = 0; !isOver; i++) {
      await client.create(`race ${i}`, name).then(
        () => won.push(`race ${i} ${name}`),
        (error: ClientError) => {
          if (error.code !== 'KEY_EXISTS') fail(error)
        },
      )
    }
  }
  const writeBatches = async () => {
    for (; !isOver; batches++) {
      const value = `${batches}`
      const keys = Array.from({ length: BATCH_KEYS }, (_, i) => `batch ${i}`)
      await client.batch(keys.map((key) => ({ type: 'set', key, value }))).catch(fail)
    }
  }
  const work = [...Array.from({ length: 8 }, count), race('one'), race('two'), writeBatches()]
  for (let kill = 0; kill < KILLS; kill++) {
    await pause(400)
    server.child.kill('SIGKILL')
    await new Promise((resolve) => server.child.once('close', resolve))
    server = await startServer(t, words, data)
    const together = new Set<string>()
    for await (const { value } of client.scan({ prefix: 'batch ' }))
      together.add(Buffer.from(value).toString())
    // The scan goes beside the batches, page by page: one page is as of one moment.
    t.ok(together.size <= 1, `all of a batch or nothing: ${[...together]}`)
  }
  await pause(300)
  isOver = true
  await Promise.all(work)

  const total = Number(await client.text().get('counter'))
  const acknowledged = sums.size
  t.comment(`${acknowledged} increments, ${batches} batches, ${won.length} races, ${doubtful} in doubt`)
  t.ok(acknowledged > 100)
  t.ok(total >= acknowledged && total <= acknowledged + doubtful, `${total} of ${acknowledged} + ${doubtful}`)
  t.same(
    [...new Set(failures.map(({ code }) => code))].filter((code) => code !== 'IN_DOUBT'),
    [],
  )
  for (const line of won) {
    const [, , name] = line.split(' ')
    const key = line.slice(0, line.lastIndexOf(' '))
    if ((await client.text().get(key)) !== name) t.fail(`${key} was won by ${name}`)
  }
  t.equal(
    new Set(won.map((line) => line.slice(0, line.lastIndexOf(' ')))).size,
    won.length,
    'one winner each',
  )
})
