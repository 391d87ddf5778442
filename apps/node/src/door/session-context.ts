/** What every session of a node shares: one operation object, one port, one admission. */
import type { Durability, StreamDoor } from '@minivault/storage'
import type { LayoutAdmin } from '../admin/layout-admin.ts'
import type { Admission } from '../admission/admission.ts'
import type { KeyValue, Operation } from '../key-value.ts'
import type { PeerDoor } from '../peers/peer-door.ts'
import type { HeldBytes } from './held-bytes.ts'
import type { Lookahead } from './lookahead.ts'
import type { Unpackings } from './unpackings.ts'

export interface SessionContext {
  readonly keyValue: KeyValue
  /** Reused for every request of every connection: valid from `begin` to the end of `submit`. */
  readonly operation: Operation
  readonly admission: Admission
  readonly lookahead: Lookahead
  /** Where large values go while they arrive. */
  readonly streams: StreamDoor
  /** What is held of requests that have not come whole. */
  readonly held: HeldBytes
  /** Where compressed values go that become large. */
  readonly unpackings: Unpackings
  /** What a request that names no level gets. */
  readonly durability: Durability
  /** The health document, as JSON. */
  readonly health: () => Uint8Array
  /** The layout of the cluster in its binary form, once it is known; null: the node is on its own. */
  readonly layout: (() => Uint8Array | null) | null
  readonly nodeId: string
  /** Who takes batches of other members; null: the node is in no cluster. */
  readonly peers: PeerDoor | null
  /** The layout for its operator; null: the node is in no cluster. */
  readonly admin: LayoutAdmin | null
  /** So much is being read from disk that a connection takes one request at a time. */
  readonly isReadingMuch: () => boolean
  readonly now: () => number
  /** Why a member of a cluster cannot serve just now, in words; null: it can. */
  readonly whyNotReady: () => string | null
}
