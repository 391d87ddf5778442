/**
 * Three cores and a network that is a list: what one sends the other gets before `ask` returns. Member 0
 * coordinates. What comes to the two others is kept on demand, so that their part can be done again without
 * the first.
 */
import { HybridLogicalClock } from '@minivault/clock'
import { Electorate, type Message, NodeCore, type Placement, type Request } from '@minivault/cluster'
import { fixedPlacement } from '@minivault/cluster/testing'
import { BenchmarkError } from '../benchmark-error.ts'
import { MapStore } from './map-store.ts'

const MEMBERS = [0, 1, 2]

export interface Delivery {
  readonly from: number
  readonly to: number
  readonly message: Message
}

export class DirectTrio {
  readonly #cores: readonly NodeCore[]
  readonly #onDelivery: ((delivery: Delivery) => void) | null
  #underWay: Delivery[] = []
  #outcome = -1

  constructor(onDelivery: ((delivery: Delivery) => void) | null) {
    this.#onDelivery = onDelivery
    const placement = fixedPlacement(new Electorate(MEMBERS))
    this.#cores = MEMBERS.map((self) => this.#core(self, placement))
  }

  #core(self: number, placement: Placement): NodeCore {
    const env = {
      now: () => performance.now(),
      wallMs: () => Date.now(),
      random: () => Math.random(),
      send: (to: number, message: Message) => void this.#underWay.push({ from: self, to, message }),
      setTimer() {},
      answer: (_token: number, { outcome }: { outcome: number }) => {
        this.#outcome = outcome
      },
    }
    const clock = new HybridLogicalClock({ writerId: self + 1, now: Date.now })
    return new NodeCore({ env, store: new MapStore(), clock, placement, self })
  }

  /** Throws unless it ends as it should: what fails soon is no operation. */
  ask(request: Request, outcome: number): void {
    this.#outcome = -1
    this.#cores[0]!.ask(0, request)
    while (this.#underWay.length > 0) {
      const arrived = this.#underWay
      this.#underWay = []
      for (const delivery of arrived) this.#deliver(delivery)
    }
    if (this.#outcome === outcome) return
    throw new BenchmarkError('BENCH_INVALID', `an operation ended with ${this.#outcome}, not ${outcome}`)
  }

  #deliver(delivery: Delivery): void {
    const { from, to, message } = delivery
    if (to !== 0 && this.#onDelivery !== null) this.#onDelivery(delivery)
    this.#cores[to]!.onMessage(from, message)
  }

  /** To others than the coordinator; what they answer goes nowhere. */
  replay(deliveries: readonly Delivery[]): void {
    for (const { from, to, message } of deliveries) {
      this.#cores[to]!.onMessage(from, message)
      this.#underWay.length = 0
    }
  }
}
