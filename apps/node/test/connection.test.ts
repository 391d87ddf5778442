/**
 * A connection alone, over a socket in memory and with the simplest session there can be: requests of four
 * bytes, each answered with itself. `H…` is for somebody else.
 */
import t from 'tap'
import type { ByteSocket, SocketListener } from '../src/door/byte-socket.ts'
import { Connection, type ConnectionContext } from '../src/door/connection.ts'
import { HeldBytes } from '../src/door/held-bytes.ts'
import { KeptPool } from '../src/door/kept-replies.ts'
import { ChunkPool, type Output } from '../src/door/output.ts'
import { RestPool } from '../src/door/rest-pool.ts'
import type { Session, Wire } from '../src/door/session.ts'
import { Turn } from '../src/door/turn.ts'
import { UnsentBytes } from '../src/door/unsent-bytes.ts'
import { Answer } from '../src/key-value.ts'
import { OUTPUT_HIGH_WATER_BYTES } from '../src/limits.ts'
import { Receivers } from '../src/receivers.ts'

const REQUEST_BYTES = 4

class MemorySocket implements ByteSocket {
  listener!: SocketListener
  unsentBytes = 0
  receivedBytes = 0
  isClosed = false
  isPaused = false
  sent = ''

  write(bytes: Uint8Array): boolean {
    this.sent += Buffer.from(bytes).toString('latin1')
    return true
  }

  pause(): void {
    this.isPaused = true
  }

  resume(): void {
    this.isPaused = false
  }

  end(): void {}

  destroy(): void {
    this.isClosed = true
    this.listener.onClose()
  }

  release(): never {
    throw new Error('the door does that')
  }
}

class Echo implements Session {
  needed = 0
  isUnfinished = false
  isStranger = false
  refused = 0
  /** Answer later: the tokens are here. */
  readonly late: number[] | null
  readonly #wire: Wire
  readonly #asked = new Map<number, Uint8Array>()
  readonly #answer = new Answer()

  constructor(wire: Wire, late: number[] | null) {
    this.#wire = wire
    this.late = late
  }

  consume(bytes: Uint8Array, start: number, end: number): number {
    let at = start
    for (; at < end && !this.#wire.isBusy; at += REQUEST_BYTES) {
      if (bytes[at] === 'H'.charCodeAt(0)) {
        this.#wire.handOver()
        break
      }
      if (end - at < REQUEST_BYTES) {
        this.needed = REQUEST_BYTES
        return at
      }
      const token = this.#wire.take()
      this.#asked.set(token, bytes.slice(at, at + REQUEST_BYTES))
      if (this.late === null) this.answer(token)
      else this.late.push(token)
    }
    this.needed = 0
    return at
  }

  answer(token: number): void {
    const answer = this.#answer.ok()
    answer.value = this.#asked.get(token)!
    this.#wire.answer(token, answer)
  }

  reply(_slot: number, answer: Answer, output: Output): void {
    output.append(answer.value, 0, REQUEST_BYTES)
  }

  replyInPieces(): never {
    throw new Error('there are none')
  }

  refuseFront(): void {
    this.refused += 1
  }

  close(): void {}
}

function connect(late: number[] | null = null) {
  const pool = new ChunkPool()
  const handedOver: string[] = []
  const context = {
    receivers: new Receivers(),
    pool,
    kept: new KeptPool(pool),
    turn: new Turn(),
    unsent: new UnsentBytes(),
    rests: new RestPool(),
    // Nobody has room for more than is free.
    held: new HeldBytes(0),
    outgoing: null as unknown as ConnectionContext['outgoing'],
    onClose: () => {},
    onHandOver: (_connection: Connection, bytes: Uint8Array) =>
      handedOver.push(Buffer.from(bytes).toString('latin1')),
  }
  const socket = new MemorySocket()
  const connection = new Connection(socket, context)
  const session = new Echo(connection, late)
  connection.begin(session)
  socket.listener = connection
  const receive = (text: string) => {
    const bytes = Buffer.from(text, 'latin1')
    connection.receive(bytes, 0, bytes.length)
  }
  return { socket, session, receive, handedOver }
}

const endOfTurn = () => new Promise((resolve) => setImmediate(resolve))

t.test('what reaches a busy connection is kept, however full the node is', async (t) => {
  const { socket, session, receive } = connect()
  const requests = Array.from({ length: 30_000 }, (_, index) => String(index).padStart(REQUEST_BYTES, '0'))
  const text = requests.map((each) => each.slice(-REQUEST_BYTES)).join('')
  receive(text.slice(0, 2))
  t.equal(session.needed, REQUEST_BYTES, 'half a request')
  socket.unsentBytes = OUTPUT_HIGH_WATER_BYTES + 1
  receive(text.slice(2))
  t.ok(socket.isPaused)
  t.equal(socket.sent, '')
  socket.unsentBytes = 0
  socket.listener.onDrained()
  // A turn answers as many as there are slots.
  for (let turns = 0; turns < 100 && socket.sent.length < text.length; turns++) await endOfTurn()
  t.equal(session.refused, 0)
  t.ok(socket.sent === text, 'each is answered, in order')
  t.notOk(socket.isPaused)
})

t.test('a request that has no room is refused while the connection is free', async (t) => {
  const { session, receive } = connect()
  receive('12')
  session.needed = 1024 * 1024
  session.consume = (_bytes, start) => start
  receive('x'.repeat(100 * 1024))
  t.equal(session.refused, 1)
})

t.test('handed over: behind the replies before it, with every byte that followed', async (t) => {
  const late: number[] = []
  const { socket, session, receive, handedOver } = connect(late)
  receive('00010002HAND')
  receive(' OVER')
  await endOfTurn()
  t.same(handedOver, [], 'not before all is answered')
  t.ok(socket.isPaused)
  for (const token of late) session.answer(token)
  await endOfTurn()
  t.equal(socket.sent, '00010002')
  t.same(handedOver, ['HAND OVER'])
  t.notOk(socket.isClosed)
})

t.test('handed over in the middle of a request that came in pieces', async (t) => {
  const { socket, receive, handedOver } = connect()
  for (const character of '0001000') receive(character)
  receive('2HTTP')
  await endOfTurn()
  t.equal(socket.sent, '00010002')
  t.same(handedOver, ['HTTP'])
})
