/** Connections that come and go: most ask something and leave in good order, some in the middle of it. */
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from '@minivault/client'
import { getRequest, setRequest } from '../wire/requests.ts'
import { WireClient } from '../wire/wire-client.ts'

/** Those that leave without a word are not waited for; the others at most so long. */
const PATIENCE_MS = 5000
const VALUE = Buffer.alloc(20_000, 'passing ')

type Visit = (port: number, key: Buffer) => Promise<void>

const VISITS: readonly Visit[] = [
  (port, key) => shipped(`minivault://127.0.0.1:${port}`, key),
  (port, key) => shipped(`http://127.0.0.1:${port}`, key),
  (port, key) => plain(port, 'resp', key),
  (port, key) => plain(port, 'http', key),
  (port, key) => plain(port, 'documented', key),
  halfARequest,
  unreadReply,
]

export class PassersBy {
  readonly #ports: () => readonly number[]
  count = 0
  failed = 0

  /** @param ports where nodes listen now */
  constructor(ports: () => readonly number[]) {
    this.#ports = ports
  }

  async come(perSecond: number, isOver: () => Promise<boolean>): Promise<void> {
    const under = new Set<Promise<void>>()
    while (!(await isOver())) {
      const ports = this.#ports()
      const n = this.count++
      const visit = VISITS[n % VISITS.length]!(ports[n % ports.length]!, Buffer.from(`passing ${n % 100}`))
      const settled = visit.catch(() => void this.failed++).finally(() => under.delete(settled))
      under.add(settled)
      await sleep(1000 / perSecond)
    }
    await Promise.all(under)
  }
}

async function shipped(url: string, key: Buffer): Promise<void> {
  const client = Client.open({ url, timeoutMs: PATIENCE_MS })
  try {
    await client.set(key, VALUE)
    await client.get(key)
  } finally {
    await client.close()
  }
}

async function plain(port: number, form: 'resp' | 'http' | 'documented', key: Buffer): Promise<void> {
  const client = await WireClient.connect({ port, form, isSilent: true })
  const timer = setTimeout(() => client.close(), PATIENCE_MS)
  try {
    await client.ask(setRequest(form, key, Buffer.from('passing')))
    await client.ask(getRequest(form, key))
  } finally {
    clearTimeout(timer)
    client.close()
  }
}

async function halfARequest(port: number, key: Buffer): Promise<void> {
  const client = await WireClient.connect({ port, form: 'resp', isSilent: true })
  const request = setRequest('resp', key, VALUE)
  client.socket.write(request.subarray(0, request.length / 2))
  await sleep(20)
  client.close()
}

async function unreadReply(port: number, key: Buffer): Promise<void> {
  const client = await WireClient.connect({ port, form: 'http', isSilent: true })
  client.socket.pause()
  for (let times = 0; times < 10; times++) client.socket.write(getRequest('http', key))
  await sleep(20)
  client.socket.resetAndDestroy()
}
