/** Keys that something between a socket and a disk could take for more than bytes. */
import fc from 'fast-check'

const KEY_BYTES_MAX = 65_535

const PIECES = [
  '../',
  '..\\',
  '/',
  '//',
  './',
  '/etc/minivault-was-here',
  '%2e%2e%2f',
  '%00',
  '%',
  '\0',
  '\r\n',
  '\n',
  ' ',
  '~',
  '$(id)',
  'C:',
  'CON',
  'LOCK',
  'health',
  '-/livez',
  '__proto__',
  'constructor',
  '?',
  '#',
  'é',
  'é',
  '\u{1f600}',
  'İ',
  'ﬀ',
].map((text) => Buffer.from(text))

/** U+D800 and U+DC00 alone, an overlong slash, a byte order mark, bytes of no UTF-8. */
const RAW = ['eda080', 'edb080', 'c0af', 'efbbbf', 'ff', 'fe80'].map((hex) => Buffer.from(hex, 'hex'))

const piece = fc.constantFrom(...PIECES, ...RAW)
const bytes = fc.uint8Array({ minLength: 1, maxLength: 40 }).map((array) => Buffer.from(array))
const path = fc.array(fc.oneof(piece, bytes), { minLength: 1, maxLength: 8 }).map((all) => Buffer.concat(all))
/** Deep enough for any folder, and at most as long as a key may be. */
const climb = fc.nat(30).map((depth) => Buffer.from(`${'../'.repeat(depth + 1)}tmp/minivault-was-here`))
const long = fc
  .tuple(fc.constantFrom(255, 256, 4095, 4096, 65_534, KEY_BYTES_MAX), fc.oneof(piece, bytes))
  .map(([length, fill]) => Buffer.alloc(length, fill))

/** Different ones, the same for the same seed. */
export function oddKeys(count: number, seed: number): Buffer[] {
  const arbitrary = fc.oneof(
    { weight: 6, arbitrary: path },
    { weight: 2, arbitrary: bytes },
    { weight: 1, arbitrary: climb },
    { weight: 1, arbitrary: long },
  )
  const byText = new Map<string, Buffer>()
  for (let round = 0; byText.size < count; round++) {
    for (const key of fc.sample(arbitrary, { numRuns: count, seed: seed + round })) {
      if (byText.size < count) byText.set(key.toString('latin1'), key)
    }
  }
  return [...byText.values()]
}
