/*
 * Keeps the layout fresh: asks whoever shows that it has one after the first connection, now and then while
 * there are calls, and when something hints that it has changed.
 */

import { CAPABILITY } from '@minivault/protocol'
import type { ClusterNode } from './cluster-node.ts'
import type { ClusterNodes } from './cluster-nodes.ts'
import { LAYOUT_HINTED_MS_MIN, LAYOUT_MS_MAX } from './limits.ts'
import { EMPTY, KIND, Request } from './request.ts'
import type { Time } from './time.ts'

export class LayoutReader {
  readonly #follows: boolean
  readonly #nodes: ClusterNodes
  readonly #time: Time
  #askedAt = 0

  constructor(follows: boolean, nodes: ClusterNodes, time: Time) {
    this.#follows = follows
    this.#nodes = nodes
    this.#time = time
  }

  greeted(node: ClusterNode, capabilities: number): void {
    node.hasLayout = (capabilities & CAPABILITY.layout) !== 0
    if (node.hasLayout && this.#nodes.epoch === 0) this.#ask(node)
  }

  refresh(now: number): void {
    if (now - this.#askedAt >= LAYOUT_MS_MAX) this.#askAny(now)
  }

  /** A node is down, or has refused: the layout may be another by now. */
  hint(now: number): void {
    if (now - this.#askedAt >= LAYOUT_HINTED_MS_MIN) this.#askAny(now)
  }

  #askAny(now: number): void {
    this.#askedAt = now
    for (const node of this.#nodes) {
      if (!node.hasLayout || node.isDown) continue
      this.#ask(node)
      return
    }
  }

  #ask(node: ClusterNode): void {
    if (!this.#follows) return
    const now = this.#time.now()
    this.#askedAt = now
    const take = ({ value }: { value: Uint8Array }) => this.#nodes.adopt(value, this.#time.now())
    // Who does not answer is passed over: somebody is asked again before long.
    const request = new Request(KIND.layout, EMPTY, now + LAYOUT_MS_MAX, take, () => {})
    request.beyondOpcodes = 'the layout'
    node.transport.submit(request)
  }
}
