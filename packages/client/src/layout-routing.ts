/*
 * Routing by the layouts of a cluster.
 */

import { hashKey, KeyHash } from '@minivault/codec'
import { decodeLayout, type Layout, partitionOf } from '@minivault/topology'
import { compare } from './bytes.ts'
import type { LayoutMember } from './client-events.ts'
import type { Routing } from './routing.ts'

export class LayoutRouting implements Routing {
  #layout: Layout | null = null
  #bytes: Uint8Array | null = null
  readonly #hash = new KeyHash()

  get epoch(): number {
    return this.#layout?.epoch ?? 0
  }

  adopt(bytes: Uint8Array): readonly LayoutMember[] | null {
    if (this.#bytes !== null && compare(bytes, this.#bytes) === 0) return null
    const layout = readable(bytes)
    if (layout === null || layout.epoch <= this.epoch) return null
    // Members that speak HTTP only are not what the URL asks for.
    if (layout.members.some(({ name }) => name.includes('://'))) return null
    this.#layout = layout
    this.#bytes = new Uint8Array(bytes)
    return layout.members
  }

  lookUp(key: Uint8Array): number {
    return hashKey(key, 0, key.length, this.#hash).low >>> 1
  }

  get replicas(): Uint16Array | undefined {
    return this.#layout?.replicasOf(partitionOf(this.#hash))
  }
}

function readable(bytes: Uint8Array): Layout | null {
  try {
    return decodeLayout(bytes)
  } catch {
    return null
  }
}
