/*
 * From the operations of a batch to the bytes that carry them; everything is checked before anything is sent.
 */

import { BATCH_BYTES_MAX, BATCH_OPERATIONS_MAX, type BatchWrite, encodeBatch } from '@minivault/protocol'
import { badArgument, keyOf, ttlOf, typeOf, valueBytesOf } from './arguments.ts'
import type { BatchOperation } from './options.ts'

/** Throws CLIENT_BAD_ARGUMENT, KEY_MISSING, KEY_LENGTH, VALUE_TOO_LARGE. */
export function encodeOperations(operations: readonly BatchOperation[]): Uint8Array {
  if (!Array.isArray(operations)) throw badArgument('a batch is a list of operations')
  if (operations.length > BATCH_OPERATIONS_MAX) {
    throw badArgument(`a batch has at most ${BATCH_OPERATIONS_MAX} operations, not ${operations.length}`)
  }
  const bytes = encodeBatch(operations.map(writeOf))
  if (bytes.length <= BATCH_BYTES_MAX) return bytes
  throw badArgument(`a batch has at most ${BATCH_BYTES_MAX} bytes, not ${bytes.length}: split it`)
}

function writeOf(operation: BatchOperation, index: number): BatchWrite {
  if (operation?.type === 'delete') return { key: keyOf(operation.key), value: null }
  if (operation?.type !== 'set') {
    throw badArgument(`operation ${index} of the batch is neither a set nor a delete`)
  }
  const { key, value, valueType, ttlMs } = operation
  const isJson = typeOf(valueType) === 'json'
  return { key: keyOf(key), value: valueBytesOf(value), isJson, ttlMs: ttlOf(ttlMs) }
}
