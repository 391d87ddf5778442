/** How what this member sends becomes batches (docs/PEERS.md). */
import {
  type BatchFacts,
  encodeStart,
  HeaderWriter,
  type LayoutState,
  MessageWriter,
  type StartMessage,
} from '@minivault/cluster'
import type { BatchForm, BatchKind } from '../peers/batch-form.ts'
import { FORMS, TABLES } from './forms.ts'

export class Batches implements BatchForm {
  readonly #facts: () => BatchFacts
  readonly #now: () => number
  #header: HeaderWriter
  #written: BatchFacts

  /** @param facts as they are now: the cluster becomes known, and the list of its members may */
  constructor(facts: () => BatchFacts, now: () => number) {
    this.#facts = facts
    this.#now = now
    const first = facts()
    this.#written = first
    this.#header = new HeaderWriter(first)
  }

  get headBytes(): number {
    return this.#header.length
  }

  writeHead(kind: BatchKind, into: Uint8Array, at: number): void {
    const facts = this.#facts()
    const { clusterId, membersHash } = this.#written
    if (facts.clusterId !== clusterId || facts.membersHash !== membersHash) {
      this.#written = facts
      this.#header = new HeaderWriter(facts)
    }
    this.#header.write(kind, this.#now(), into, at)
  }

  newMessages(): MessageWriter {
    return new MessageWriter(FORMS)
  }

  start(message: StartMessage<LayoutState>): Uint8Array {
    return encodeStart(message, TABLES)
  }
}
