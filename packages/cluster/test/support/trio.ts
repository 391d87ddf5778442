/** Nodes 1 to 4 on a network without scenes: what is asked, and what was answered. */
import {
  type Answer,
  type CoreStatus,
  Electorate,
  type Limits,
  type Message,
  type Placement,
} from '../../src/index.ts'
import { fixedPlacement } from '../../src/testing/index.ts'
import { readAsked } from './asked.ts'
import { type Flight, ScriptedNetwork } from './network.ts'
import { theCore } from './planted-core.ts'
import { ScriptedNode, type Watcher } from './scripted-node.ts'

const START_MS = 1000
const REST_MS = 3000

export interface TrioOptions {
  readonly limits?: Partial<Limits>
  /** Not 0: every message comes twice, and at random times. */
  readonly seed?: number
  /** Of each node, by its number. */
  readonly placementOf?: (node: number) => Placement
}

export interface Begun {
  answer: Answer | null
}

const PLACEMENT = fixedPlacement(new Electorate([1, 2, 3]))

export class Trio implements Watcher {
  readonly network = new ScriptedNetwork(START_MS, (flight) => this.#arrive(flight))
  /** Nothing comes to them. */
  readonly down = new Set<number>()
  readonly #nodes: readonly ScriptedNode[]
  readonly #begun: Begun[] = []
  #random: number

  constructor({ limits = {}, seed = 0, placementOf = () => PLACEMENT }: TrioOptions = {}) {
    this.#random = seed
    const parts = { core: theCore, network: this.network, watcher: this, limits }
    this.#nodes = [1, 2, 3, 4].map((number) => new ScriptedNode(number, { ...parts, placementOf }))
  }

  begin(node: number, words: string): Begun {
    const begun: Begun = { answer: null }
    this.#begun.push(begun)
    this.#nodes[node - 1]!.ask(this.#begun.length - 1, readAsked(words))
    return begun
  }

  /** The answer, without any time passing but for the messages; else after what timers have to say. */
  ask(node: number, words: string): Answer {
    const begun = this.begin(node, words)
    this.network.settle()
    if (begun.answer === null) this.rest()
    return begun.answer!
  }

  /** What it does without being asked. */
  tick(node: number): void {
    this.#nodes[node - 1]!.tick()
    this.network.settle()
  }

  statusOf(node: number): CoreStatus {
    return this.#nodes[node - 1]!.status
  }

  rest(): void {
    this.network.pass(REST_MS)
  }

  onSend(from: number, to: number, message: Message): void {
    this.#send({ from, to, message })
    if (this.#random !== 0) this.#send({ from, to, message })
  }

  onAnswer(_node: number, token: number, answer: Answer): void {
    this.#begun[token]!.answer = answer
  }

  onHold(): void {}

  onPledge(): void {}

  #send(flight: Flight): void {
    if (this.#random === 0) return void this.network.send(flight)
    this.#random = (Math.imul(this.#random, 0x41c64e6d) + 12345) >>> 1
    this.network.setTimer(this.#random % 8, () => this.#arrive(flight))
  }

  #arrive({ from, to, message }: Flight): void {
    if (!this.down.has(to)) this.#nodes[to - 1]!.receive(from, message)
  }
}
