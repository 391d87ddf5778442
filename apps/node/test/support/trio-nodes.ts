/** Three nodes in one process: the doors of each before its member of a trio. */
import type { Test } from 'tap'
import { type Node, type NodeOptions, startNode } from '../../src/node.ts'
import { temporaryFolder } from './server.ts'
import { Trio } from './trio.ts'

export interface TrioNodes {
  readonly trio: Trio
  readonly nodes: readonly Node[]
}

export async function startTrio(t: Test, options: Partial<NodeOptions> = {}): Promise<TrioNodes> {
  const trio = new Trio()
  const nodes = await Promise.all(
    trio.members.map((member) =>
      startNode({
        port: 0,
        host: '127.0.0.1',
        directory: temporaryFolder(t),
        wrapKeyValue: (_inner, complete) => member.openPort(complete),
        ...options,
      }),
    ),
  )
  t.teardown(async () => {
    await Promise.all(nodes.map((node) => node.close()))
    trio.close()
  })
  return { trio, nodes }
}
