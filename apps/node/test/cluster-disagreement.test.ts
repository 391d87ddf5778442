/** What a member may get wrong about its cluster: each is told, refused, and no harm to the others. */
import { existsSync } from 'node:fs'
import { freePort } from '@minivault/free-port'
import { Store } from '@minivault/storage'
import t, { type Test } from 'tap'
import { TABLES } from '../src/cluster/forms.ts'
import { StoredReplica } from '../src/cluster/stored/stored-replica.ts'
import { TestCluster } from './support/cluster.ts'
import { ask, SUCCESS } from './support/http-client.ts'
import { until } from './support/large-transfers.ts'
import { run, temporaryFolder } from './support/server.ts'

const FAKETIME = '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1'
const VALUE = JSON.stringify({ value: 'x' })

interface Wrong {
  port?: number
  publicUrl?: string
  key?: string
  nodes?: string
  folder?: string
  environment?: Record<string, string>
}

async function disagreeing(node: { port: number }): Promise<string> {
  return JSON.parse((await ask(node, 'GET', '/health')).body).members_disagreeing
}

/** A folder that belongs to another cluster. */
async function strangeFolder(t: Test): Promise<string> {
  const directory = temporaryFolder(t)
  const store = await Store.open({ directory })
  await store.loaded()
  const replica = new StoredReplica({ store, tables: TABLES })
  await new Promise<void>((resolve) => replica.writeClusterId('ab'.repeat(16), resolve))
  await store.close()
  return directory
}

t.test('members that disagree', async (t) => {
  const cluster = await TestCluster.start(t, { words: ['-auth', 'secret'] })
  const [a, b, c] = [cluster.nodes[0]!, cluster.nodes[1]!, cluster.nodes[2]!]
  const { name, environment: ofThird } = cluster.commandOf(2)

  const goesOn = async (t: Test) => {
    t.equal((await ask(a, 'PUT', '/key', VALUE)).body, SUCCESS, 'the others go on')
    t.equal((await ask(b, 'GET', '/key')).status, 200)
  }

  /** The third member's address, and something wrong. */
  const start = (t: Test, wrong: Wrong) => {
    const { port = cluster.ports[2]!, key = 'secret', folder = c.folder, publicUrl = name } = wrong
    const nodes = wrong.nodes ?? ofThird.CLUSTER_NODES
    const words = ['-port', `${port}`, '-public-url', publicUrl, '-host', '127.0.0.1', '-auth', key]
    const node = run([...words, '-data', folder], { CLUSTER_NODES: nodes, ...wrong.environment })
    const stop = async () => {
      node.child.kill('SIGKILL')
      await node.ended
    }
    t.teardown(stop)
    const says = (words: string) => until(() => node.stderr().includes(words))
    // What is wrong may be told before the port is open.
    const answers = () =>
      until(() =>
        ask({ port }, 'GET', '/health').then(
          () => true,
          () => false,
        ),
      )
    return { says, answers, stdout: node.stdout, stop }
  }

  const logs = (words: string) => until(() => cluster.nodes[0]!.stderr().includes(words))
  const tells = (words: RegExp) => until(async () => words.test(await disagreeing(a)))

  await t.test('two nodes with one public URL', async (t) => {
    const node = start(t, { port: await freePort(), folder: temporaryFolder(t) })
    t.ok(await node.says('two nodes have one -public-url'))
    t.ok(await logs('two nodes have one -public-url'))
    t.equal(node.stdout(), '', 'not ready')
    await goesOn(t)
    await node.stop()
  })

  await cluster.kill(2)

  await t.test('another key', async (t) => {
    const node = start(t, { key: 'another' })
    t.ok(await node.says('refuses what this node sends'))
    t.ok(await tells(/refuses what this node sends: .*key/))
    await goesOn(t)
    await node.stop()
  })

  await t.test('another cluster', async (t) => {
    const node = start(t, { folder: await strangeFolder(t) })
    t.ok(await node.says('it is of cluster abab'))
    t.ok(await tells(/two clusters \(.*abab.*\)/))
    await goesOn(t)
    await node.stop()
  })

  await t.test('another list of members', async (t) => {
    const node = start(t, { nodes: `localhost:${cluster.ports[0]}` })
    t.ok(await tells(/was given another list of members/))
    await goesOn(t)
    await node.stop()
  })

  await t.test('an address that the cluster does not know', async (t) => {
    const port = await freePort()
    const node = start(t, { port, publicUrl: `localhost:${port}` })
    t.ok(await node.says(`localhost:${port} is not a member of this cluster`))
    t.ok(await node.answers())
    t.match(await ask({ port }, 'PUT', '/key', VALUE), {
      status: 503,
      body: /is not a member of this cluster/,
    })
    await goesOn(t)
    await node.stop()
  })

  const skip = existsSync(FAKETIME) ? false : 'there is no libfaketime on this machine'
  await t.test('a clock an hour ahead', { skip }, async (t) => {
    const environment = { LD_PRELOAD: FAKETIME, FAKETIME: '+1h', DONT_FAKE_MONOTONIC: '1' }
    const node = start(t, { environment })
    t.ok(await node.says("this machine's clock differs"))
    t.ok(await tells(/is 3[56]\d\d\.\d s ahead of this node's/))
    t.ok(await node.answers())
    const refused = await ask({ port: cluster.ports[2]! }, 'PUT', '/key', VALUE)
    t.match(refused, { status: 503, body: /clock differs/ })
    await goesOn(t)
    await node.stop()
  })
})
