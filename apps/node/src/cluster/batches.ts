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
  #clusterId: string | null

  /** @param facts as they are now: once, the cluster becomes known */
  constructor(facts: () => BatchFacts, now: () => number) {
    this.#facts = facts
    this.#now = now
    const first = facts()
    this.#clusterId = first.clusterId
    this.#header = new HeaderWriter(first)
  }

  get headBytes(): number {
    return this.#header.length
  }

  writeHead(kind: BatchKind, into: Uint8Array, at: number): void {
    const facts = this.#facts()
    if (facts.clusterId !== this.#clusterId) {
      this.#clusterId = facts.clusterId
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
