/**
 * The way to the other members. `linkTo` opens one link for each; what is sent in a turn of the event loop
 * leaves after its poll phase, in one write for each peer: whatever came in together is answered together.
 * While more comes with each turn, some turns leave together: a write, and the wake-up of its reader, cost as
 * much as many messages do. Nothing waits for a timer, and as soon as nothing more comes all has left.
 */

import type { TlsFiles } from '@minivault/command-line'
import { ChunkPool } from '../door/output.ts'
import { PEER_LINK_IDLE_MS, PEER_STRANGERS_MAX, PEER_SWEEP_MS, PEER_TURNS_MAX } from '../limits.ts'
import type { NodeLogger } from '../node.ts'
import type { Time } from '../time.ts'
import type { BatchForm } from './batch-form.ts'
import type { Carrier, CarrierOwner } from './carrier.ts'
import { FrameCarrier } from './frame-carrier.ts'
import { HttpCarrier } from './http-carrier.ts'
import { PeerCertificates } from './peer-certificates.ts'
import { BatchLink, type PeerLink } from './peer-link.ts'

export type { PeerLink } from './peer-link.ts'

export interface PeerLinksOptions {
  /** Ours. */
  readonly name: string
  readonly form: BatchForm
  /** Of the cluster; null: there is none. */
  readonly authKey: string | null
  /** Of the others: they are dialled at once. */
  readonly members: readonly string[]
  /** What we show to peers; null: those of the form `host:port` do not speak TLS. */
  readonly tls: TlsFiles | null
  /** Batches to one peer without an answer. */
  readonly workers: number
  readonly time: Time
  readonly logger: NodeLogger
}

export class PeerLinks {
  readonly #options: PeerLinksOptions
  readonly #links = new Map<string, BatchLink>()
  /** Whose links stay. */
  #wanted: ReadonlySet<string>
  readonly #chunks = new ChunkPool()
  #touched: BatchLink[] = []
  #flushing: BatchLink[] = []
  /** Turns since the first of what waits, and how many messages waited at the end of the last one. */
  #turns = 0
  #waiting = 0
  readonly #sweep: unknown
  readonly #certificates: PeerCertificates | null

  constructor(options: PeerLinksOptions) {
    this.#options = options
    this.#certificates = options.tls === null ? null : new PeerCertificates(options.tls)
    this.#wanted = new Set(options.members)
    for (const member of options.members) this.linkTo(member)
    this.#sweep = options.time.every(PEER_SWEEP_MS, () => {
      const elapsedMs = options.time.elapsedMs()
      for (const link of this.#links.values()) link.sweep(elapsedMs)
      if (this.#links.size > this.#wanted.size) this.#closeIdle(elapsedMs)
    })
  }

  /** These are dialled, and their links stay; those to others go when nothing is sent to them any more. */
  want(members: readonly string[]): void {
    this.#wanted = new Set(members)
    for (const member of members) this.linkTo(member)
  }

  /** Undefined: there is none. */
  find(name: string): PeerLink | undefined {
    return this.#links.get(name)
  }

  /** Strangers are bounded: whoever asks something is answered over a link of ours. */
  #closeIdle(elapsedMs: number): void {
    const strangers = [...this.#links.values()].filter(({ name }) => !this.#wanted.has(name))
    strangers.sort((a, b) => b.usedAt - a.usedAt)
    for (const [index, link] of strangers.entries()) {
      if (index < PEER_STRANGERS_MAX && elapsedMs - link.usedAt <= PEER_LINK_IDLE_MS) continue
      this.#links.delete(link.name)
      link.close()
    }
  }

  /** The link to a member, which is dialled from now on. */
  linkTo(name: string): PeerLink {
    const known = this.#links.get(name)
    if (known !== undefined) return known
    const { form, time, logger } = this.#options
    const link = new BatchLink({
      name,
      form,
      time,
      logger,
      carrierOf: (owner) => this.#carrierTo(name, owner),
      onTouched: this.#onTouched,
    })
    this.#links.set(name, link)
    return link
  }

  #carrierTo(member: string, owner: CarrierOwner): Carrier {
    const { name: ownName, authKey, workers, time } = this.#options
    const chunks = this.#chunks
    const security = () => this.#certificates?.current ?? null
    const parts = { member, ownName, authKey, security, batchesMax: workers, time, owner }
    if (/^https?:/.test(member)) return new HttpCarrier(parts)
    return new FrameCarrier({ ...parts, chunks })
  }

  readonly #onTouched = (link: BatchLink): void => {
    link.isTouched = true
    if (this.#touched.length === 0) this.#options.time.afterPoll(this.#endTurn)
    this.#touched.push(link)
  }

  /** The end of a turn: all leaves, or what the next turn brings is awaited. */
  readonly #endTurn = (): void => {
    let waiting = 0
    for (const link of this.#touched) waiting += link.waiting
    this.#turns += 1
    if (waiting > this.#waiting && this.#turns < PEER_TURNS_MAX) {
      this.#waiting = waiting
      this.#options.time.afterPoll(this.#endTurn)
      return
    }
    this.#turns = 0
    this.#waiting = 0
    this.#flush()
  }

  #flush(): void {
    const touched = this.#touched
    this.#touched = this.#flushing
    this.#flushing = touched
    for (const link of touched) {
      link.isTouched = false
      link.flush()
    }
    touched.length = 0
  }

  close(): void {
    this.#options.time.cancel(this.#sweep)
    for (const link of this.#links.values()) link.close()
    this.#links.clear()
  }
}
