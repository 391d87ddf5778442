/** From an operation to the change that it asks of the core. */
import { Version } from '@minivault/clock'
import { KIND, type Operation } from '../key-value.ts'
import { expiryOf } from '../local/expiry-of.ts'
import { ConditionalWrite } from './changes/conditional-write.ts'
import { Increment } from './changes/increment.ts'
import type { KeyChange } from './changes/key-change.ts'
import { Touch } from './changes/touch.ts'
import { Write } from './changes/write.ts'
import type { ValuePacker } from './value-packer.ts'

/** Null: a read. Throws StorageError, CodecError, ProtocolError: nothing can come of it. */
export function changeOf(operation: Operation, packer: ValuePacker, wallMs: () => number): KeyChange | null {
  const { kind, ttlMs, expectedVersion } = operation
  switch (kind) {
    case KIND.get:
      return null
    case KIND.create:
      return new ConditionalWrite(packer.valueOf(operation), expiryOf(ttlMs, wallMs), 'nothing')
    case KIND.touch:
      return new Touch(expiryOf(ttlMs, wallMs), wantedOf(expectedVersion))
    case KIND.increment:
      return new Increment(operation.delta, expiryOf(ttlMs, wallMs))
    case KIND.delete: {
      const wanted = wantedOf(expectedVersion) ?? (operation.wantsExists ? 'anything' : null)
      return wanted === null ? new Write(null, 0, false) : new ConditionalWrite(null, 0, wanted)
    }
    default: {
      const value = packer.valueOf(operation)
      const expiresAtMs = ttlMs === 0 ? 0 : expiryOf(ttlMs, wallMs)
      const wanted = wantedOf(expectedVersion)
      if (wanted !== null) return new ConditionalWrite(value, expiresAtMs, wanted)
      // What an earlier attempt has offered under this id ends at another time: a round makes one of the two.
      return new Write(value, expiresAtMs, expiresAtMs !== 0 && operation.attempt > 0)
    }
  }
}

function wantedOf(version: Version): Version | null {
  return version.isZero() ? null : new Version().copy(version)
}
