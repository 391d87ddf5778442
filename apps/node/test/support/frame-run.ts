/** Random operations of the frame form through one connection, pipelined, against a Map. */
import { Version } from '@minivault/clock'
import { FRAME_FLAG, FRAME_OPCODE, OUTCOME } from '@minivault/protocol'
import fc from 'fast-check'
import type { Asking, FrameAnswer, FrameClient, Page } from './frame-client.ts'
import { type Condition, type Expected, FrameModel, type Held } from './frame-model.ts'
import type { FrameOperation, Value } from './frame-operations.ts'

const { exists, ifAbsent, json, noValue, range, reverse } = FRAME_FLAG
const LONG_MS = 3_600_000

/** An operation that was sent: what is expected of its answer, and what came. */
interface Sent {
  expected: Expected
  stamp: number
  told: Promise<FrameAnswer | Page>
  /** Asks the same again, with a higher attempt. */
  again: ((attempt: number) => Promise<FrameAnswer>) | null
}

/** No two requests have one id. */
let requests = 0

class Run {
  readonly #isCluster: boolean
  readonly model = new FrameModel()
  readonly #client: FrameClient
  readonly #prefix: string
  readonly #skewMs: () => number
  /** By stamp, as soon as a reply has shown it. */
  readonly versions = new Map<number, string>()
  /** Stamps of values that were seen, by key, oldest first. */
  readonly #seen = new Map<string, number[]>()
  readonly #answered: { sent: Sent; answer: FrameAnswer; attempt: number }[] = []
  #stamp = 0

  constructor(client: FrameClient, prefix: string, skewMs: () => number, isCluster: boolean) {
    this.#isCluster = isCluster
    this.#client = client
    this.#prefix = prefix
    this.#skewMs = skewMs
  }

  #key(key: string): Buffer {
    return Buffer.from(this.#prefix + key, 'latin1')
  }

  #requestId(): Version {
    return Version.of(Date.now() + this.#skewMs(), this.#stamp & 0xffff, ++requests)
  }

  #write(opcode: number, asking: Asking, expected: Expected, stamp: number): Sent {
    const requestId = this.#requestId()
    const text = asking.value ?? ''
    const ask = (attempt: number) =>
      text.length > 150_000
        ? this.#client.inChunks(opcode, { ...asking, requestId, attempt }, 150_000)
        : this.#client.ask(opcode, { ...asking, requestId, attempt })
    return { expected, stamp, told: ask(0), again: ask }
  }

  /** A condition on the version that this key had, where one was seen. */
  #ifVersion(key: string, back: number | null): { asking: Asking; condition: Condition } {
    const stamps = this.#seen.get(key) ?? []
    const stamp = back === null ? undefined : stamps.at(-1 - back)
    if (stamp === undefined) return { asking: {}, condition: 'none' }
    return { asking: { ifVersion: this.versions.get(stamp)! }, condition: stamp }
  }

  send(operation: FrameOperation): Sent {
    const stamp = ++this.#stamp
    switch (operation.kind) {
      case 'get':
        return this.#get(operation)
      case 'set':
        return this.#set(operation, stamp)
      case 'delete': {
        const { key } = operation
        const { asking, condition } = this.#ifVersion(key, operation.condition)
        const expected = this.model.delete(key, stamp, condition)
        return this.#write(FRAME_OPCODE.delete, { key: this.#key(key), ...asking }, expected, stamp)
      }
      case 'touch': {
        const { key } = operation
        const { asking, condition } = this.#ifVersion(key, operation.condition)
        const expected = this.model.touch(key, stamp, operation.expires, condition)
        const ttlMs = operation.expires ? LONG_MS : 0
        return this.#write(FRAME_OPCODE.touch, { key: this.#key(key), ttlMs, ...asking }, expected, stamp)
      }
      case 'increment':
        return this.#increment(operation, stamp)
      case 'batch':
        return this.#batch(operation.writes)
      case 'scan':
        return this.#scan(operation)
      case 'retry':
        return this.#retry(operation.back)
    }
  }

  #get({ key, start, bytes, form }: Extract<FrameOperation, { kind: 'get' }>): Sent {
    const flags = (form & 1 ? range : 0) | (form & 2 ? noValue : 0)
    const expected = form & 1 ? this.model.get(key, start, bytes) : this.model.get(key, 0, 0)
    if (expected.value !== undefined && form & 2) expected.value = ''
    const part = form & 1 ? { chunkOffset: start, totalBytes: bytes } : {}
    return { expected, stamp: 0, told: this.#client.get(this.#key(key), { flags, ...part }), again: null }
  }

  #set(operation: Extract<FrameOperation, { kind: 'set' }>, stamp: number): Sent {
    const { key, value, expires } = operation
    const made = heldOf(value, stamp, expires)
    const isCreate = operation.condition === 'absent'
    const { asking, condition } = this.#ifVersion(
      key,
      isCreate ? null : (operation.condition as number | null),
    )
    const expected = this.model.set(key, made, isCreate ? 'absent' : condition)
    const flags = (value.isJson ? json : 0) | (isCreate ? ifAbsent : 0)
    const bytes = Buffer.from(made.value, 'latin1')
    const ttlMs = expires ? LONG_MS : 0
    const whole = { key: this.#key(key), value: bytes, flags, ttlMs, ...asking }
    return this.#write(FRAME_OPCODE.set, whole, expected, stamp)
  }

  #increment({ key, by, expires }: Extract<FrameOperation, { kind: 'increment' }>, stamp: number): Sent {
    const expected = this.model.increment(key, stamp, by, expires)
    const bytes = Buffer.alloc(8)
    bytes.writeBigInt64LE(by)
    const asking = { key: this.#key(key), value: bytes, ttlMs: expires ? LONG_MS : 0 }
    return this.#write(FRAME_OPCODE.increment, asking, expected, stamp)
  }

  #batch(writes: Extract<FrameOperation, { kind: 'batch' }>['writes']): Sent {
    const stamped = writes.map(({ key, value, expires }) => {
      const stamp = ++this.#stamp
      const made = value && heldOf(value, stamp, expires)
      return { key, made, stamp }
    })
    const expected = this.model.batch(stamped)
    const pieces = stamped.map(({ key, made }) => {
      const head = Buffer.alloc(16)
      const bytes = Buffer.from(made?.value ?? '', 'latin1')
      const keyBytes = this.#key(key)
      head[0] = made ? FRAME_OPCODE.set : FRAME_OPCODE.delete
      head[1] = made?.isJson ? json : 0
      head.writeUInt16LE(keyBytes.length, 2)
      head.writeUInt32LE(bytes.length, 4)
      head.writeUIntLE(made?.hasExpiry ? LONG_MS : 0, 8, 6)
      return Buffer.concat([head, keyBytes, bytes])
    })
    return this.#write(FRAME_OPCODE.batch, { value: Buffer.concat(pieces) }, expected, 0)
  }

  #scan(operation: Extract<FrameOperation, { kind: 'scan' }>): Sent {
    const { prefix, from, to, fromExclusive, toInclusive, isReverse, keysOnly, limit } = operation
    const span = { prefix, from, to, fromExclusive, toInclusive, reverse: isReverse, limit }
    const expected = this.model.scan(span)
    const flags = (isReverse ? reverse : 0) | (keysOnly ? noValue : 0)
    const wanted = {
      entriesMax: limit,
      fromExclusive,
      toInclusive,
      ...(from === '' ? {} : { from: this.#key(from) }),
      ...(to === '' ? {} : { to: this.#key(to) }),
    }
    return { expected, stamp: 0, told: this.#client.page(this.#key(prefix), wanted, { flags }), again: null }
  }

  /** Of a write that was answered, and not for having failed. */
  #retry(back: number): Sent {
    const earlier = this.#answered.at(-1 - back)
    if (earlier === undefined) return this.send({ kind: 'get', key: 'a', start: 0, bytes: 0, form: 0 })
    const { sent, answer } = earlier
    earlier.attempt += 1
    return { ...sent, told: sent.again!(earlier.attempt).then((retry) => same(retry, answer)), again: null }
  }

  async check(sent: Sent, t: Check): Promise<void> {
    const { expected, stamp, again } = sent
    const told = await sent.told
    if ('entries' in told) return this.#checkPage(told, expected, t)
    t.equal(told.error, expected.error)
    if (expected.outcome !== undefined) t.equal(told.outcome, expected.outcome)
    if (expected.error === 0) {
      if (expected.exists !== undefined) t.equal((told.flags & exists) !== 0, expected.exists)
      if (expected.value !== undefined) t.equal(told.value.toString('latin1'), expected.value)
      if (expected.size !== undefined) t.equal(told.total, expected.size)
      if (expected.isJson !== undefined) t.equal((told.flags & json) !== 0, expected.isJson)
      if (expected.sum !== undefined) t.equal(told.value.readBigInt64LE(), expected.sum)
    }
    if (expected.stamp !== undefined) this.#checkVersion(expected.stamp, told.version, t)
    for (const [index, own] of (expected.stamps ?? []).entries()) {
      if (own !== 0) this.#checkVersion(own, told.value.toString('hex', 12 * index, 12 * index + 12), t)
    }
    if (again !== null && this.#isForGood(told)) this.#answered.push({ sent, answer: told, attempt: 0 })
    if (stamp !== 0 && expected.stamp === stamp) this.#remember(stamp)
  }

  /** Asked again it is told again; in a cluster a `no` is judged again. */
  #isForGood({ outcome, opcode, flags }: FrameAnswer): boolean {
    if (!this.#isCluster) return outcome !== OUTCOME.failed
    const isVain = opcode === FRAME_OPCODE.delete && (flags & exists) === 0
    return outcome === OUTCOME.ok && !isVain
  }

  #checkPage(page: Page, { entries, hasMore }: Expected, t: Check): void {
    const keys = entries!.map(({ key }) => key)
    const found = page.entries.map(({ key }) => key.slice(this.#prefix.length))
    const next = entries![found.length]
    const isFull = next !== undefined && page.bytes + next.held.value.length > 260_000
    t.equal(found.join(), keys.slice(0, isFull ? found.length : keys.length).join())
    t.equal(page.hasMore, hasMore || isFull)
    for (const [index, entry] of page.entries.entries()) {
      const { held } = entries![index]!
      if (entry.value !== '') t.equal(entry.value, held.value)
      t.equal(entry.isJson, held.isJson)
      t.equal(entry.expiresAtMs > 0, held.hasExpiry)
      this.#checkVersion(held.stamp, entry.version, t)
    }
  }

  /** The first reply that shows a write's version fixes it. */
  #checkVersion(stamp: number, version: string, t: Check): void {
    if (stamp === 0) return t.equal(version, '0'.repeat(24))
    const known = this.versions.get(stamp)
    if (known === undefined) this.versions.set(stamp, version)
    else t.equal(version, known)
  }

  #remember(stamp: number): void {
    for (const [key, held] of this.model.held) {
      if (held.stamp === stamp) this.#seen.set(key, [...(this.#seen.get(key) ?? []), stamp])
    }
  }
}

function heldOf({ text, times, isJson }: Value, stamp: number, hasExpiry: boolean): Held {
  return { value: text.repeat(times), isJson, stamp, hasExpiry }
}

interface Check {
  equal: (found: unknown, wanted: unknown) => void
}

/** tap's own checks would be counted by the hundred thousand. */
const check: Check = {
  equal(found, wanted) {
    if (found !== wanted)
      throw new Error(`${String(found).slice(0, 200)}, not ${String(wanted).slice(0, 200)}`)
  },
}

function same(retry: FrameAnswer, answer: FrameAnswer): FrameAnswer {
  for (const name of ['flags', 'outcome', 'error', 'version', 'total'] as const) {
    check.equal(`${name} ${retry[name]}`, `${name} ${answer[name]}`)
  }
  check.equal(retry.value.toString('hex'), answer.value.toString('hex'))
  return retry
}

/** So many runs, a client each: what it is told must be what a Map says. Returns how many operations. */
export async function playRuns(
  client: FrameClient,
  operation: fc.Arbitrary<FrameOperation>,
  numRuns: number,
  isCluster = false,
): Promise<number> {
  let number = 0
  let operations = 0
  const groups = fc.array(fc.array(operation, { maxLength: 12, size: 'max' }), { maxLength: 6, size: 'max' })
  const property = fc.asyncProperty(groups, fc.nat(), async (all, seed) => {
    let state = seed
    const skewMs = () => {
      state = (Math.imul(state, 1103515245) + 12345) | 0
      return ((state >>> 16) % 400) - 250
    }
    const run = new Run(client, `${number++}/`, skewMs, isCluster)
    for (const group of all) {
      const sent = group.map((each) => run.send(each))
      await Promise.allSettled(sent.map(({ told }) => told))
      for (const each of sent) await run.check(each, check)
      operations += group.length
    }
  })
  await fc.assert(property, { numRuns })
  return operations
}
