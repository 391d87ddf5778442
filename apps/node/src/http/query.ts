/**
 * The query of a target: names and values, percent-decoded as bytes once. `+` is a plus. Empty values count
 * as not given; an unknown or repeated name is refused, so that a slip does not list something else.
 */
import { BadHeader } from './bad-header.ts'
import { percentDecode } from './target.ts'

/** Throws BadHeader. */
export function readQuery<Name extends string>(
  text: string,
  names: readonly Name[],
): Partial<Record<Name, Buffer>> {
  const found: Partial<Record<Name, Buffer>> = {}
  const seen = new Set<string>()
  for (const part of text.split('&')) {
    if (part === '') continue
    const equals = part.indexOf('=')
    const name = equals < 0 ? part : part.slice(0, equals)
    if (!isOneOf(name, names)) throw new BadHeader(`the query may name ${names.join(', ')}`)
    if (seen.has(name)) throw new BadHeader(`${name} may be given once`)
    seen.add(name)
    const value = equals < 0 ? '' : part.slice(equals + 1)
    const bytes = percentDecode(value, 0)
    if (bytes === null) {
      throw new BadHeader('a % in the query must be followed by two hexadecimal digits')
    }
    if (bytes.length > 0) found[name] = bytes
  }
  return found
}

function isOneOf<Name extends string>(text: string, names: readonly Name[]): text is Name {
  return (names as readonly string[]).includes(text)
}
