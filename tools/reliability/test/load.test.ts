import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startNode } from '@minivault/node'
import t, { type Test } from 'tap'
import { Load } from '../src/nodes/load.ts'

const WORK_MS = 700

async function node(t: Test): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), 'minivault-'))
  const started = await startNode({ port: 0, host: '127.0.0.1', directory, durability: 1 })
  t.teardown(async () => {
    await started.close()
    rmSync(directory, { recursive: true, force: true })
  })
  return started.port
}

t.test('what a node alone does is in order; every kind of operation is asked', async (t) => {
  const port = await node(t)
  const load = new Load({ nodes: { portOf: () => port }, seed: 1 })
  await load.during(() => sleep(WORK_MS))
  t.same(await load.problems(true), [])
  const endings = new Set(load.history.operations.map(({ start, ending }) => `${start.kind} ${ending}`))
  t.same([...endings].sort(), [
    'cas no',
    'cas ok',
    'create no',
    'create ok',
    'deleteIf no',
    'deleteIf ok',
    'get ok',
    'increment ok',
    'put ok',
  ])
})

t.test('members that know nothing of each other are found out', async (t) => {
  const ports = [await node(t), await node(t), await node(t)]
  const load = new Load({ nodes: { portOf: (member) => ports[member]! }, seed: 1 })
  await load.during(() => sleep(WORK_MS))
  t.not((await load.problems()).length, 0)
})
