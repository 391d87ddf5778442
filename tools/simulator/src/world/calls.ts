/**
 * Questions by HTTP between workers and the master: the question or its answer may be lost, or come late, and
 * who asked cannot tell which.
 */
import type { Setup } from '../plan/plan.ts'
import { mix, Random } from '../random.ts'
import { Task } from './disk.ts'
import type { Network } from './network.ts'
import type { Timeline } from './timeline.ts'

const TIMEOUT_MS = 1000
const HOP_MS_MIN = 0.3

export interface Call<Answer> {
  readonly from: number
  readonly to: number
  /** Carried out over there, if anybody is. */
  readonly serve: (answer: (answer: Answer) => void) => void
  /** Null: no answer came. */
  readonly onOver: (answer: Answer | null) => void
}

export class Calls {
  readonly #timeline: Timeline
  readonly #network: Network
  readonly #setup: Setup
  readonly #random: Random

  constructor(timeline: Timeline, network: Network, seed: number, setup: Setup) {
    this.#timeline = timeline
    this.#network = network
    this.#setup = setup
    this.#random = new Random(mix(seed, 11))
  }

  call<Answer>({ from, to, serve, onOver }: Call<Answer>): void {
    let isOver = false
    const end = (answer: Answer | null) => {
      if (!isOver) onOver(answer)
      isOver = true
    }
    this.#at(TIMEOUT_MS, () => end(null))
    this.send(from, to, () => {
      serve((answer) => {
        const text = JSON.stringify(answer)
        this.send(to, from, () => end(JSON.parse(text)))
      })
    })
  }

  /** Whatever is sent one way, where it matters only whether it arrives. */
  send(from: number, to: number, arrive: () => void): void {
    const { delayMs, lossShare } = this.#setup
    const isLost = this.#random.chance(lossShare) && !this.#network.isCalm
    if (isLost || this.#network.isCut(from, to)) return
    this.#at(HOP_MS_MIN + this.#random.next() * delayMs, () => {
      if (!this.#network.isCut(from, to)) arrive()
    })
  }

  #at(afterMs: number, task: () => void): void {
    this.#timeline.add(afterMs, new Task(task))
  }
}
