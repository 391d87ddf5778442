/** The byte scanner against `JSON.parse`: same texts accepted, same member found, after any mutation. */
import fc from 'fast-check'
import t from 'tap'
import {
  ERROR,
  escapeRawControls,
  findValueText,
  isJsonText,
  JSON_DEPTH_MAX,
  JsonSpan,
} from '../src/index.ts'

const span = new JsonSpan()

function parses(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** Valid UTF-8 and accepted by JSON.parse. */
function isValid(bytes: Buffer): boolean {
  return Buffer.from(bytes.toString()).equals(bytes) && parses(bytes.toString())
}

function mutated(text: string, at: number, byte: number): Buffer {
  const bytes = Buffer.from(text)
  bytes[at % bytes.length] = byte
  return bytes
}

const tokens = fc.stringMatching(/^[[\]{}",:0-9eE+\-. tfnul\\]*$/)

t.test('isJsonText accepts what JSON.parse accepts', async () => {
  fc.assert(
    fc.property(fc.oneof(fc.json(), fc.string(), tokens), (text) => {
      const bytes = Buffer.from(text)
      return isJsonText(bytes, 0, bytes.length) === isValid(bytes)
    }),
    { numRuns: 20_000 },
  )
  fc.assert(
    fc.property(fc.json(), fc.nat(), fc.nat(255), (text, at, byte) => {
      const bytes = mutated(text, at, byte)
      return isJsonText(bytes, 0, bytes.length) === isValid(bytes)
    }),
    { numRuns: 20_000 },
  )
})

t.test('findValueText finds the member that JSON.parse keeps', async () => {
  const keys = fc.constantFrom('"value"', '"\\u0076alue"', '"Value"', '"x"', '"va\\/lue"', '"valu"')
  const members = fc.array(fc.tuple(keys, fc.json()))
  fc.assert(
    fc.property(members, fc.nat(), fc.nat(255), fc.boolean(), (list, at, byte, mutates) => {
      const text = `{${list.map(([key, value]) => `${key} : ${value}`).join(' , ')}}`
      const bytes = mutates ? mutated(text, at, byte) : Buffer.from(text)
      const result = findValueText(bytes, 0, bytes.length, span)
      if (!isValid(bytes)) return result !== ERROR.NONE || byte < 0x20
      const parsed = JSON.parse(bytes.toString())
      if (!isRecord(parsed) || !Object.hasOwn(parsed, 'value')) return result === ERROR.MISSING_VALUE
      const value = JSON.parse(bytes.toString('utf8', span.start, span.end))
      return result === ERROR.NONE && JSON.stringify(value) === JSON.stringify(parsed['value'])
    }),
    { numRuns: 20_000 },
  )
})

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

t.test('the span is the text as it was sent', async (t) => {
  const find = (text: string) => {
    const bytes = Buffer.from(text)
    const result = findValueText(bytes, 0, bytes.length, span)
    return result === ERROR.NONE ? bytes.toString('utf8', span.start, span.end) : result
  }
  t.equal(find('{"value": 12345678901234567890}'), '12345678901234567890')
  t.equal(find(' {"a":{"value":1} , "value" : {"b":1,"a":2,"a":3} } '), '{"b":1,"a":2,"a":3}')
  t.equal(find('{"value":1.10,"value":[ 1 ,2]}'), '[ 1 ,2]', 'the last one')
  t.equal(find('{}'), ERROR.MISSING_VALUE)
  t.equal(find('[{"value":1}]'), ERROR.MISSING_VALUE)
  t.equal(find('{"value":1'), ERROR.BAD_JSON)
  t.equal(find('{"value":1}}'), ERROR.BAD_JSON)
  t.equal(find(''), ERROR.BAD_JSON)
})

t.test('raw CR, LF and TAB inside strings: the only leniency', async (t) => {
  const bytes = Buffer.from('{"o\nther": 0, "value": ["a\nb\\n\t\\\\\r",\n 1]}')
  t.equal(findValueText(bytes, 0, bytes.length, span), ERROR.NONE)
  t.ok(span.hasRawControls)
  const escaped = escapeRawControls(bytes, span.start, span.end)
  t.equal(Buffer.from(escaped).toString(), '["a\\nb\\n\\t\\\\\\r",\n 1]')
  t.ok(isJsonText(escaped, 0, escaped.length))
  t.notOk(isJsonText(bytes, span.start, span.end))
  const elsewhere = Buffer.from('{"o\nther": 0, "value": "proper"}')
  t.equal(findValueText(elsewhere, 0, elsewhere.length, span), ERROR.NONE)
  t.notOk(span.hasRawControls, 'not in the value')
  for (const control of ['\u0000', '\u0008', '\u000b', '\u001f']) {
    const bad = Buffer.from(`{"value":"${control}"}`)
    t.equal(findValueText(bad, 0, bad.length, span), ERROR.BAD_JSON)
  }
})

t.test('nesting is bounded, and needs no stack', async (t) => {
  const nested = (depth: number) => Buffer.from('['.repeat(depth) + ']'.repeat(depth))
  t.ok(isJsonText(nested(JSON_DEPTH_MAX), 0, 2 * JSON_DEPTH_MAX))
  t.notOk(isJsonText(nested(JSON_DEPTH_MAX + 1), 0, 2 * JSON_DEPTH_MAX + 2))
})
