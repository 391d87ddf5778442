/**
 * The network between members, and between them and clients: a gate in front of each, and what happens to
 * bytes from one member to another. Members are numbers here; clients are one more place that bytes come
 * from.
 */
import { CLIENT, Gate, type Ways } from './gate.ts'
import { CLEAR_WAY, type Way } from './pipe.ts'

/** What happens to connections that `from` has dialed. Null, where they come from: any client. */
export interface Trouble {
  readonly from: number | null
  readonly to: number
  readonly ways: Ways
}

export const CLEAR: Ways = { requests: CLEAR_WAY, replies: CLEAR_WAY, isReset: false }
const HELD: Way = { ...CLEAR_WAY, isHeld: true }
/** Nothing comes through, and nobody is told. */
export const SILENT: Ways = { requests: HELD, replies: HELD, isReset: false }
/** What is asked arrives, and the answers do not. */
export const UNANSWERED: Ways = { ...CLEAR, replies: HELD }
/** Nothing comes through, and everybody is told. */
export const RESET: Ways = { ...CLEAR, isReset: true }

export function slow(delayMs: number, bytesPerSecond = Number.POSITIVE_INFINITY): Ways {
  const way = { isHeld: false, delayMs, bytesPerSecond }
  return { requests: way, replies: way, isReset: false }
}

export class Network {
  readonly #gates: Gate[] = []
  #troubles: readonly Trouble[] = []

  /** Gates for so many members, with nobody behind them yet. */
  static async of(members: number): Promise<Network> {
    const network = new Network()
    for (let to = 0; to < members; to++) {
      network.#gates.push(await Gate.open((from) => network.#waysOf(from, to)))
    }
    return network
  }

  private constructor() {}

  /** By which everybody knows a member. */
  nameOf(member: number): string {
    return `127.0.0.1:${this.portOf(member)}`
  }

  portOf(member: number): number {
    return this.#gates[member]!.port
  }

  /** Where it listens behind its gate; 0: nowhere. */
  moved(member: number, port: number): void {
    this.#gates[member]!.targetPort = port
  }

  /** Resets the connections of a member that is gone: its kernel would do that. */
  left(member: number): void {
    this.moved(member, 0)
    this.#gates[member]!.reset()
  }

  connectionsBetween(from: number, to: number): number {
    return this.#gates[to]!.connectionsFrom(this.nameOf(from))
  }

  /** From now on; whatever was before is over. */
  trouble(troubles: readonly Trouble[]): void {
    this.#troubles = troubles
    for (const gate of this.#gates) gate.update()
  }

  heal(): void {
    this.trouble([])
  }

  async close(): Promise<void> {
    await Promise.all(this.#gates.map((gate) => gate.close()))
  }

  #waysOf(from: string, to: number): Ways {
    const dialer = from === CLIENT ? null : this.#gates.findIndex((_, member) => this.nameOf(member) === from)
    return this.#troubles.find((one) => one.from === dialer && one.to === to)?.ways ?? CLEAR
  }
}

/** Both directions between the two sides. */
export function between(side: readonly number[], others: readonly number[], ways: Ways): Trouble[] {
  return side.flatMap((from) =>
    others.flatMap((to) => [
      { from, to, ways },
      { from: to, to: from, ways },
    ]),
  )
}
