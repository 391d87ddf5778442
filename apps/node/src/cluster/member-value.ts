/** A value as it passes between store, core and peers: the bytes as they are stored and sent. */
import type { Value } from '@minivault/cluster'
import type { Codec } from '@minivault/codec'
import type { ValueType } from '@minivault/storage'

export interface MemberValue extends Value {
  /** `bytes` long; compressed as `codec` says. */
  readonly data: Uint8Array
  readonly codec: Codec
  /** Uncompressed. */
  readonly rawBytes: number
  readonly type: ValueType
}
