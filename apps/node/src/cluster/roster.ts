/**
 * Who the members are, as the layout that we go by has it just now: their names, numbers, and links. A number
 * stays; a link is kept to those of the layout, and to others as long as something is said to them.
 */
import { type LayoutState, type Layouts, latestOf } from '@minivault/cluster'
import type { PeerLink, PeerLinks } from '../peers/peer-links.ts'

export class Roster {
  /** Ours. */
  readonly name: string
  readonly #links: PeerLinks
  #layouts: Layouts | null = null
  /** What all the rest was made of. */
  #state: LayoutState | null = null
  #numbers: ReadonlyMap<string, number> = new Map()
  /** Null: ourselves. Of those who are members no more they are made when they are asked for. */
  #byNumber: (PeerLink | null | undefined)[] = []
  #others: readonly string[]
  #isMember = false

  /** @param listed who may be members, as long as there is no layout */
  constructor(name: string, links: PeerLinks, listed: readonly string[]) {
    this.name = name
    this.#links = links
    this.#others = listed.filter((other) => other !== name)
    links.want(this.#others)
  }

  /** Whom to ask, before there is a layout. */
  list(names: readonly string[]): void {
    if (this.#layouts !== null) return
    this.#others = names.filter((other) => other !== this.name)
    this.#links.want(this.#others)
  }

  follow(layouts: Layouts): void {
    this.#layouts = layouts
    this.refresh()
  }

  /** Names of the other members, of both layouts while one follows the other. */
  get others(): readonly string[] {
    this.refresh()
    return this.#others
  }

  /** Whether the layout has us. */
  get isMember(): boolean {
    this.refresh()
    return this.#isMember
  }

  /** -1: it never was a member. */
  numberOf(name: string): number {
    this.refresh()
    return this.#numbers.get(name) ?? -1
  }

  /** Null: ourselves. */
  linkTo(number: number): PeerLink | null {
    this.refresh()
    const link = this.#byNumber[number]
    if (link === null || (link !== undefined && !link.isClosed)) return link
    const name = this.#state?.roster[number]
    if (name === undefined) return null
    const opened = this.#links.linkTo(name)
    this.#byNumber[number] = opened
    return opened
  }

  refresh(): void {
    const state = this.#layouts?.state ?? null
    if (state === this.#state || state === null) return
    this.#state = state
    const { roster, table } = state
    this.#numbers = new Map(roster.map((name, number) => [name, number]))
    const names = [...table.members, ...latestOf(state).members].map(({ name }) => name)
    this.#isMember = names.includes(this.name)
    this.#others = [...new Set(names)].filter((name) => name !== this.name)
    this.#links.want(this.#others)
    const linked = new Set(this.#others)
    this.#byNumber = roster.map((name) => {
      if (name === this.name) return null
      return linked.has(name) ? this.#links.linkTo(name) : undefined
    })
  }
}
