/**
 * What our region takes goes on to the others. Each partition has a *sender* in each region: the first of its
 * replicas there that is not suspected. What the sender takes of a write, an accept or a write-back it keeps
 * pointers to, one for each foreign replica, and brings it there at once, as ordinary offers; many are on
 * their way at a time, for a way may be long. What came by a pointer or a comparison is not sent on: whoever
 * brought it has done so, or a comparison will.
 */
import type { Hint, Hints } from './hints.ts'
import type { Limits } from './limits.ts'
import { CAUSE, type Offer } from './messages.ts'
import type { Peers } from './peers.ts'
import type { Key, Placement, ReplicaStore } from './ports.ts'
import { isBelow } from './record.ts'
import type { Repair } from './repair.ts'

export interface ForwardingParts {
  readonly placement: Placement
  readonly store: ReplicaStore
  readonly self: number
  readonly limits: Pick<Limits, 'farBytesMax' | 'farRepairsAtOnce'>
  readonly peers: Peers
  readonly hints: Hints
  readonly repair: Pick<Repair, 'admit' | 'handOver' | 'isToBeAdmitted'>
}

/** To one member. */
interface Flight {
  readonly hints: Set<Hint>
  /** Of their values. */
  bytes: number
  /** One was not answered: nothing more goes before something is heard. */
  isStalled: boolean
  isFlushing: boolean
}

export class Forwarding {
  readonly #parts: ForwardingParts
  readonly #flights = new Map<number, Flight>()
  /** By partition: 1 where we were the sender at the last tick; null: there was none. */
  #sending: Uint8Array | null = null

  constructor(parts: ForwardingParts) {
    this.#parts = parts
  }

  /** Whether it is for this member to tell the other regions. */
  isSender(partition: number, member: number): boolean {
    const { placement, peers, self } = this.#parts
    const region = placement.regionOf(member)
    for (const other of placement.replicasOf(partition)) {
      if (placement.regionOf(other) !== region) continue
      if (other === member) return true
      if (other === self || !peers.isSuspected(other)) return false
    }
    return false
  }

  /** Our replica has taken it. */
  onTaken(key: Key, ballot: Hint['ballot']): void {
    if (this.isSender(key.partition, this.#parts.self)) this.forward(key, ballot)
  }

  /** What was raised in another region: the sender of ours has it admitted. */
  refuses(from: number, { key, record, cause }: Offer): boolean {
    const { placement, repair, self } = this.#parts
    const comesFromAfar = cause > CAUSE.writeBack && placement.isForeign(from)
    if (!comesFromAfar || !repair.isToBeAdmitted(key, record)) return false
    if (this.isSender(key.partition, self)) repair.admit(key, record, () => {})
    return true
  }

  /** We hold it. */
  forward(key: Key, ballot: Hint['ballot']): void {
    const { placement, hints } = this.#parts
    for (const member of placement.foreignersOf(key.partition)) {
      hints.add(member, key, ballot)
      this.flush(member)
    }
  }

  /** True: since the last tick we have become the sender of a partition. */
  onTick(): boolean {
    const { placement, self } = this.#parts
    const before = this.#sending
    const sending = new Uint8Array(placement.partitionCount)
    let isNew = false
    for (let partition = 0; partition < sending.length; partition++) {
      if (placement.foreignersOf(partition).length === 0 || !this.isSender(partition, self)) continue
      sending[partition] = 1
      isNew ||= before !== null && before[partition] === 0
    }
    this.#sending = sending
    return isNew
  }

  onHeard(member: number): void {
    this.#flightTo(member).isStalled = false
    this.flush(member)
  }

  flush(member: number): void {
    const { hints, limits, peers } = this.#parts
    const flight = this.#flightTo(member)
    if (flight.isFlushing || peers.isSuspected(member)) return
    flight.isFlushing = true
    while (!flight.isStalled && flight.hints.size < limits.farRepairsAtOnce) {
      if (flight.bytes >= limits.farBytesMax) break
      const [hint] = hints.take(member, 1)
      if (hint === undefined) break
      this.#bring(member, flight, hint)
    }
    flight.isFlushing = false
  }

  #bring(member: number, flight: Flight, hint: Hint): void {
    const { store, repair, hints } = this.#parts
    const { key, ballot } = hint
    const { record } = store.read(key)
    // What we missed ourselves, or have released, is not ours to tell.
    if (record === null || isBelow(record.ballot, ballot)) return
    const bytes = record.value?.bytes ?? 0
    flight.hints.add(hint)
    flight.bytes += bytes
    repair.handOver(member, key, record, CAUSE.hint, (isAnswered) => {
      flight.hints.delete(hint)
      flight.bytes -= bytes
      if (isAnswered) return this.flush(member)
      flight.isStalled = true
      hints.add(member, key, ballot)
    })
  }

  /** Pointers that are kept for it or on their way. */
  pending(member: number): number {
    return this.#parts.hints.count(member) + (this.#flights.get(member)?.hints.size ?? 0)
  }

  /** Wall milliseconds of the oldest of them; null: there is none. */
  oldestMs(member: number): number | null {
    let oldest = this.#parts.hints.oldest(member)?.ballot.wallMs ?? Number.POSITIVE_INFINITY
    for (const { ballot } of this.#flights.get(member)?.hints ?? []) oldest = Math.min(oldest, ballot.wallMs)
    return oldest === Number.POSITIVE_INFINITY ? null : oldest
  }

  #flightTo(member: number): Flight {
    let flight = this.#flights.get(member)
    if (flight === undefined) {
      flight = { hints: new Set(), bytes: 0, isStalled: false, isFlushing: false }
      this.#flights.set(member, flight)
    }
    return flight
  }
}
