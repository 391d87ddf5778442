/**
 * By which layouts the members go, seen from above: no two have one epoch, nobody goes back, and from when
 * until when each region was the home.
 */
import { type LayoutState, latestOf, phaseOf, type Table } from '@minivault/cluster'
import { holdersOf, homeOf } from './layout.ts'

/** For certain: nobody decided elsewhere then. */
export interface HomeTime {
  readonly region: number
  readonly fromMs: number
  untilMs: number
}

export class Phases {
  /** What should not have been. */
  readonly wrongs: string[] = []
  readonly homes: HomeTime[] = [{ region: 0, fromMs: 0, untilMs: Number.POSITIVE_INFINITY }]
  /** By region: when it began to go for the first time. What it wrote last the home gets after that. */
  readonly goneMs = new Map<number, number>()
  /** By member: the last one that it obeyed, on this disk. */
  readonly #obeyed = new Map<number, number>()
  /** By epoch. */
  readonly #tables = new Map<number, string>()

  onPhase(member: number, state: LayoutState, nowMs: number): void {
    const phase = phaseOf(state)
    const before = this.#obeyed.get(member) ?? 0
    if (phase < before) this.wrongs.push(`member ${member} goes back from phase ${before} to ${phase}`)
    this.#obeyed.set(member, phase)
    for (const table of [state.table, latestOf(state)]) this.#note(table)
    this.#noteHome(state, nowMs)
    this.#noteGone(state, nowMs)
  }

  /** Its disk is another one, which never obeyed anything. */
  onLost(member: number): void {
    this.#obeyed.delete(member)
  }

  #note(table: Table): void {
    const text = `holders ${holdersOf(table).join(' ')}, home ${table.home}`
    const before = this.#tables.get(table.epoch)
    if (before === undefined) this.#tables.set(table.epoch, text)
    else if (before !== text) this.wrongs.push(`two layouts ${table.epoch}: ${before}, and ${text}`)
  }

  #noteHome(state: LayoutState, nowMs: number): void {
    const { region, untilMs } = this.homes.at(-1)!
    const home = homeOf(latestOf(state))
    if (home === region) return
    if (untilMs > nowMs) this.homes.at(-1)!.untilMs = nowMs
    // From the first that has settled on, too few of the old home are left to decide anything.
    if (state.next !== null || state.table.epoch !== this.#newest) return
    this.homes.push({ region: home, fromMs: nowMs, untilMs: Number.POSITIVE_INFINITY })
  }

  /** A home that goes is heard by the next one before it has gone. */
  #noteGone({ table, next }: LayoutState, nowMs: number): void {
    if (next === null) return
    for (const { region } of table.members) {
      const stays = region === table.home || next.members.some((member) => member.region === region)
      const number = Number(region.slice(1))
      if (!stays && !this.goneMs.has(number)) this.goneMs.set(number, nowMs)
    }
  }

  get #newest(): number {
    return Math.max(...this.#tables.keys())
  }
}
