/** Random operations of every kind, of the frame form. */
import fc from 'fast-check'

const keys = fc.constantFrom('a', 'b', 'b1', 'ba', 'c', '\x00', '\xff', '\xff\xff', 'k'.repeat(300))
const bounds = fc.oneof(fc.constant(''), keys)
const text = fc.oneof(
  { weight: 3, arbitrary: fc.string({ unit: 'binary-ascii', maxLength: 40 }) },
  { weight: 2, arbitrary: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String) },
)
const jsonText = fc.jsonValue().map((value) => JSON.stringify(value).replace(/[^\x20-\x7e]/g, '?'))
const value = fc.oneof(
  { weight: 9, arbitrary: fc.record({ text, times: fc.constant(1), isJson: fc.constant(false) }) },
  { weight: 3, arbitrary: fc.record({ text: jsonText, times: fc.constant(1), isJson: fc.constant(true) }) },
  // Compressed, in chunks, in a file of its own.
  {
    weight: 2,
    arbitrary: fc.record({
      text: fc.constant('long '),
      times: fc.constantFrom(300, 14_000, 40_000, 120_000),
      isJson: fc.constant(false),
    }),
  },
)
export type Value = typeof value extends fc.Arbitrary<infer T> ? T : never

/** Which of the versions seen of the key: the newest is number 0. */
const condition = fc.oneof(
  { weight: 5, arbitrary: fc.constant(null) },
  { weight: 2, arbitrary: fc.constant('absent' as const) },
  { weight: 3, arbitrary: fc.nat({ max: 1 }) },
)
const byVersion = fc.oneof(
  { weight: 2, arbitrary: fc.constant(null) },
  { weight: 1, arbitrary: fc.nat({ max: 1 }) },
)
const expires = fc.boolean()
const deltas = fc.oneof(
  fc.bigInt({ min: -9n, max: 9n }),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
)

export const frameOperation = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('get' as const),
      key: keys,
      start: fc.nat({ max: 50 }),
      bytes: fc.nat({ max: 60 }),
      form: fc.nat({ max: 3 }),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('set' as const), key: keys, value, condition, expires }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('delete' as const), key: keys, condition: byVersion }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('touch' as const), key: keys, condition: byVersion, expires }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('increment' as const), key: keys, by: deltas, expires }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('batch' as const),
      writes: fc.array(fc.record({ key: keys, value: fc.option(value), expires }), { maxLength: 6 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('scan' as const),
      prefix: fc.oneof(fc.constant(''), keys),
      from: bounds,
      to: bounds,
      fromExclusive: fc.boolean(),
      toInclusive: fc.boolean(),
      isReverse: fc.boolean(),
      keysOnly: fc.boolean(),
      limit: fc.integer({ min: 1, max: 10 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('retry' as const), back: fc.nat({ max: 5 }) }) },
)
export type FrameOperation = typeof frameOperation extends fc.Arbitrary<infer T> ? T : never

/** What a value of may be in a cluster: what one message carries. */
const CLUSTER_TIMES_MAX = 40_000

/** What a cluster offers: no batches; and scans are not in line behind what the connection has asked. */
export const clusterOperation = frameOperation.filter((operation) => {
  if (operation.kind === 'set') return operation.value.times <= CLUSTER_TIMES_MAX
  return operation.kind !== 'batch' && operation.kind !== 'scan'
})
