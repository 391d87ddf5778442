import { readFileSync } from 'node:fs'
import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import t from 'tap'
import {
  createLayout,
  decodeLayout,
  encodeLayout,
  type Layout,
  nextLayout,
  TopologyError,
} from '../src/index.ts'
import { local } from './shares.ts'

const VECTOR = vector('layout-one-member')
const BEFORE = vector('layout-one-member-version-1')

/** The bytes of a vector file: hex, with `#` comments. */
function vector(name: string): Buffer {
  const text = readFileSync(new URL(`./vectors/${name}.hex`, import.meta.url), 'utf8')
  return Buffer.from(text.replace(/#.*/g, '').replace(/\s/g, ''), 'hex')
}

const region = fc.constantFrom('default', 'eu', 'us', '-')
const member = fc.record({
  name: fc.oneof(
    fc.integer({ min: 1, max: 99 }).map((port) => `a:${port}`),
    fc.domain().map((host) => `https://${host}`),
  ),
  region,
  zone: fc.constantFrom('', 'z'),
})
const layouts = fc
  .record({
    members: fc.uniqueArray(member, {
      minLength: 1,
      maxLength: 5,
      selector: ({ name }) => name.toLowerCase(),
    }),
    options: fc.record({
      mode: fc.constantFrom('federated' as const, 'stretched' as const),
      replicas: fc.integer({ min: 1, max: 7 }),
    }),
    isNext: fc.boolean(),
  })
  .map(({ members, options, isNext }) => {
    const first = createLayout(members, options)
    return isNext ? nextLayout(first, members) : first
  })

t.test('the vector of docs/CLUSTER_LAYOUT.md', (t) => {
  t.equal(VECTOR.length, 2100)
  t.equal(hexOf(encodeLayout(createLayout([{ name: 'localhost:3001' }]))), hexOf(VECTOR))
  const layout = decodeLayout(VECTOR)
  t.same(layout.members, [{ name: 'localhost:3001', region: 'default', zone: '' }])
  const { epoch, mode, replicas, width, home } = layout
  t.same([epoch, mode, replicas, width, home], [1, 'federated', 3, 1, 'default'])
  const page = readFileSync(new URL('../../../docs/CLUSTER_LAYOUT.md', import.meta.url), 'utf8')
  const block = /### Test vector[\s\S]*?```\n([^`]*)```/.exec(page)![1]!
  const written = block.split('\n').map((line) => /^(?:[0-9a-f]{2} )+/.exec(`${line} `)?.[0] ?? '')
  const compact = VECTOR.toString('hex')
    .replace(/(00){2048}/, '00')
    .match(/../g)!
    .join(' ')
  t.equal(written.join('').trim(), compact, 'the page has the same bytes')
  t.end()
})

t.test('version 1, which named no home, means the one by default', (t) => {
  const layout = decodeLayout(BEFORE)
  t.equal(layout.home, 'default')
  t.equal(hexOf(encodeLayout(layout)), hexOf(VECTOR))
  t.end()
})

t.test('round trips', (t) => {
  fc.assert(
    fc.property(layouts, fc.nat({ max: 7 }), (layout, offset) => {
      const bytes = encodeLayout(layout)
      const elsewhere = Buffer.concat([Buffer.alloc(offset, 0xff), bytes, Buffer.alloc(3)])
      const read = decodeLayout(elsewhere.subarray(offset, offset + bytes.length))
      elsewhere.fill(0xee)
      return hexOf(encodeLayout(read)) === hexOf(bytes) && isSame(read, layout)
    }),
    { numRuns: 60 },
  )
  const far = Buffer.from(VECTOR)
  far.writeUInt32LE(0xffffffff, 8)
  t.equal(decodeLayout(sealed(far)).epoch, 0xffffffff)
  t.end()
})

t.test('every byte that is another, every cut and every addition is refused', (t) => {
  for (const bytes of [VECTOR, encodeLayout(createLayout(local(4)))]) {
    const copy = Uint8Array.from(bytes)
    for (let at = 0; at < copy.length; at++) {
      const flip = 1 + ((at * 37) % 255)
      copy[at]! ^= flip
      if (!isRefused(copy)) t.fail(`byte ${at} changed by ${flip}`)
      copy[at]! ^= flip
      if (!isRefused(copy.subarray(0, at))) t.fail(`cut at ${at}`)
    }
    t.notOk(isRefused(copy))
    t.ok(isRefused(Buffer.concat([copy, Buffer.alloc(1)])))
    t.ok(isRefused(Buffer.concat([copy, copy])))
    t.ok(isRefused(copy.subarray(1)))
  }
  t.end()
})

t.test('with a checksum that fits: what is not the one form of a layout is refused, with the reason', (t) => {
  const three = encodeLayout(createLayout(['a:1', 'b:1', 'c:1', 'd:1'].map((name) => ({ name, zone: 'z' }))))
  // 16 of header, then each member: 3 61 3a 31 | 07 default | 01 7a
  const changes: [string, (bytes: Buffer) => void, RegExp][] = [
    ['version', (b) => b.writeUInt16LE(3, 4), /version 3, known is 2/],
    ['version 1 with a home', (b) => b.writeUInt16LE(1, 4), /table is cut, or something follows/],
    ['a home that is no region', (b) => b.write('x', b.length - 4 - 6 * 1024 - 1), /home is not one/],
    ['version 0', (b) => b.writeUInt16LE(0, 4), /version 0/],
    ['mode', (b) => b.writeUInt8(2, 6), /mode is 2/],
    ['stretched of another width', (b) => b.writeUInt8(2, 7), /width of 3, not 2/],
    ['no replicas', (b) => b.writeUInt8(0, 7), /0 replicas/],
    ['too many replicas', (b) => b.writeUInt8(8, 7), /8 replicas/],
    ['epoch', (b) => b.writeUInt32LE(0, 8), /epoch is 0/],
    ['no members', (b) => b.writeUInt16LE(0, 12), /0 members/],
    ['too many members', (b) => b.writeUInt16LE(1025, 12), /1025 members/],
    ['members into the table', (b) => b.writeUInt16LE(1024, 12), /no layout/],
    ['fewer members', (b) => b.writeUInt16LE(3, 12), /table is cut, or something follows/],
    ['width', (b) => b.writeUInt16LE(4, 14), /width of 4, not 3/],
    ['a name that is longer than the rest', (b) => b.writeUInt8(255, 16), /no layout/],
    ['a name in upper case', (b) => b.write('A', 17), /not in order or have names that are not norm/],
    ['two names in the wrong order', (b) => b.write('e', 17), /not in order/],
    ['one name twice', (b) => b.write('b', 17), /b:1 is listed twice/],
    ['no name', (b) => b.write('/', 17), /is not host:port|has a path/],
    ['a region in upper case', (b) => b.write('D', 21), /region "Default"/],
    ['a byte above ASCII', (b) => b.writeUInt8(0xe4, 17), /no layout/],
    ['a place beyond the members', (b) => b.writeUInt16LE(4, b.length - 4 - 6), /row 1023/],
    ['a place twice', (b) => b.copyWithin(b.length - 6, b.length - 8, b.length - 6), /row 1023/],
  ]
  for (const [what, change, message] of changes) {
    const bytes = Buffer.from(three)
    change(bytes)
    t.throws(() => decodeLayout(sealed(bytes)), { code: 'TOPOLOGY_BAD_LAYOUT', message }, what)
  }
  const regions = createLayout([
    { name: 'a:1', region: 'x' },
    { name: 'b:1', region: 'y' },
  ])
  const swapped = Buffer.from(encodeLayout(regions))
  swapped.writeUInt16LE(1, swapped.length - 8)
  swapped.writeUInt16LE(0, swapped.length - 6)
  t.throws(
    () => decodeLayout(sealed(swapped)),
    { message: /row 1023/ },
    'a member in the place of another region',
  )
  t.end()
})

t.test('no bytes get anything but a TopologyError or a layout that encodes to the same bytes', (t) => {
  const base = fc.oneof(
    fc.constant(VECTOR),
    layouts.map((layout) => Buffer.from(encodeLayout(layout))),
  )
  // Most changes near the front, where the structure is; another epoch is another layout.
  const at = fc.oneof(fc.nat({ max: 80 }), fc.integer({ min: 8, max: 11 }), fc.nat({ max: 9000 }))
  const edit = fc.record({ at, byte: fc.nat({ max: 255 }) })
  let accepted = 0
  const holds = (bytes: Buffer): boolean => {
    try {
      const layout = decodeLayout(bytes)
      accepted++
      return hexOf(encodeLayout(layout)) === hexOf(bytes)
    } catch (error) {
      return error instanceof TopologyError && error.code === 'TOPOLOGY_BAD_LAYOUT'
    }
  }
  fc.assert(
    fc.property(
      base,
      fc.array(edit, { minLength: 1, maxLength: 4 }),
      fc.nat({ max: 3 }),
      (base, edits, cut) => {
        const bytes = Buffer.from(
          base.subarray(0, base.length - (cut === 3 ? edits[0]!.at % base.length : 0)),
        )
        for (const { at, byte } of edits) if (bytes.length > 0) bytes[at % bytes.length] = byte
        return holds(bytes) && (bytes.length < 4 || holds(sealed(bytes)))
      },
    ),
    { numRuns: 400 },
  )
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => holds(Buffer.from(bytes))))
  t.ok(accepted > 10, `${accepted} were layouts after all`)
  t.end()
})

/** The same bytes with the checksum that fits them, by another implementation. */
function sealed(bytes: Buffer): Buffer {
  bytes.writeUInt32LE(crc32(bytes.subarray(0, -4)), bytes.length - 4)
  return bytes
}

function isRefused(bytes: Uint8Array): boolean {
  try {
    decodeLayout(bytes)
    return false
  } catch (error) {
    return (error as { code?: string }).code === 'TOPOLOGY_BAD_LAYOUT'
  }
}

function isSame(a: Layout, b: Layout): boolean {
  const text = ({ epoch, mode, replicas, home, members, width, table }: Layout) =>
    JSON.stringify([epoch, mode, replicas, home, members, width, [...table]])
  return text(a) === text(b)
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex')
}
