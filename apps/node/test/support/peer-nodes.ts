/** Links between real nodes in one process, with messages that are texts. */

import { setTimeout as sleep } from 'node:timers/promises'
import type { Message } from '@minivault/cluster'
import type { Test } from 'tap'
import type { Node, NodeOptions } from '../../src/node.ts'
import { startNode } from '../../src/node.ts'
import type { BatchForm, MessageBytes } from '../../src/peers/batch-form.ts'
import type { PeerReceiver, PeerRefusal } from '../../src/peers/peer-door.ts'
import { type PeerLink, PeerLinks, type PeerLinksOptions } from '../../src/peers/peer-links.ts'
import { systemTime } from '../../src/time.ts'
import { temporaryFolder } from './server.ts'

const HEAD = Buffer.from('head-')
const LENGTH_BYTES = 4

/** Each text behind its length. */
class Texts implements MessageBytes {
  bytes: Uint8Array = Buffer.alloc(256)
  length = 0

  add(message: Message): boolean {
    const text = Buffer.from(message as unknown as string)
    while (this.bytes.length < this.length + LENGTH_BYTES + text.length) {
      this.bytes = Buffer.concat([this.bytes, Buffer.alloc(this.bytes.length)])
    }
    Buffer.from(this.bytes.buffer, this.bytes.byteOffset).writeUInt32LE(text.length, this.length)
    this.bytes.set(text, this.length + LENGTH_BYTES)
    this.length += LENGTH_BYTES + text.length
    return true
  }

  clear(): void {
    this.length = 0
  }
}

export const TEXTS: BatchForm = {
  newMessages: () => new Texts(),
  start: (message) => Buffer.from(JSON.stringify(message)),
  headBytes: HEAD.length + 1,
  writeHead(kind, into, at) {
    into.set(HEAD, at)
    into[at + HEAD.length] = kind
  },
}

export interface Batch {
  kind: number
  texts: string[]
}

/** Takes batches, and knows what it took. */
export class TextReceiver implements PeerReceiver {
  readonly batches: Batch[] = []
  /** Instead of taking. */
  refusal: PeerRefusal | null = null
  onBatch: (() => void) | null = null

  take(bytes: Uint8Array, start: number, end: number): PeerRefusal | null {
    if (this.refusal !== null) return this.refusal
    const batch = Buffer.from(bytes.subarray(start, end))
    const kind = batch[HEAD.length]!
    const texts: string[] = []
    let at = HEAD.length + 1
    if (kind !== 0) texts.push(batch.toString('utf8', at))
    else {
      while (at < batch.length) {
        const from = at + LENGTH_BYTES
        at = from + batch.readUInt32LE(at)
        texts.push(batch.toString('utf8', from, at))
      }
    }
    this.batches.push({ kind, texts })
    this.onBatch?.()
    return null
  }

  get texts(): string[] {
    return this.batches.flatMap(({ texts }) => texts)
  }
}

export interface Peer {
  node: Node
  receiver: TextReceiver
}

/** A node whose peers hand it texts. */
export async function startPeer(t: Test, options: Partial<NodeOptions> = {}): Promise<Peer> {
  const receiver = new TextReceiver()
  const directory = options.directory ?? temporaryFolder(t)
  const node = await startNode({
    ...{ port: 0, host: '127.0.0.1', directory, durability: 0, peers: receiver },
    ...options,
  })
  t.teardown(() => node.close())
  return { node, receiver }
}

export interface Logged {
  message: string
  fields: object
}

/** Links of a member that listens nowhere. */
export function openLinks(t: Test, options: Partial<PeerLinksOptions> = {}): PeerLinks & { log: Logged[] } {
  const log: Logged[] = []
  const write = (fields: object, message: string) => log.push({ message, fields })
  const links = new PeerLinks({
    ...{ name: 'localhost:1', form: TEXTS, members: [], authKey: null, tls: null, workers: 50 },
    ...{ time: systemTime, logger: { info: write, warn: write, error: write } },
    ...options,
  })
  t.teardown(() => links.close())
  return Object.assign(links, { log })
}

export function send(link: PeerLink, ...texts: string[]): void {
  for (const text of texts) link.send(text as unknown as Message)
}

/** Waits until it is so. */
export async function until(isSo: () => boolean, what: string): Promise<void> {
  const endMs = Date.now() + 20_000
  while (!isSo()) {
    if (Date.now() > endMs) throw new Error(`not in time: ${what}`)
    await sleep(5)
  }
}
