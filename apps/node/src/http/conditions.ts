/**
 * What a request makes its effect depend on: `If-Match` and `If-None-Match`, against the version that is
 * there. A write whose condition the store understands (one version, or nothing there) is submitted with it;
 * any other is judged against what is there, and submitted with the version that was seen.
 */
import { Version } from '@minivault/clock'
import { BadHeader } from './bad-header.ts'
import { type EntityTags, matchesStrongly, matchesWeakly, parseEntityTags } from './entity-tags.ts'

const OURS = /^(?!0{24})[0-9a-f]{24}$/

export class Conditions {
  readonly #match: EntityTags | null
  readonly #noneMatch: EntityTags | null

  constructor(match: EntityTags | null, noneMatch: EntityTags | null) {
    this.#match = match
    this.#noneMatch = noneMatch
  }

  /** Of the headers; null: there are none. Throws BadHeader where one cannot be read. */
  static of(ifMatch: string | undefined, ifNoneMatch: string | undefined): Conditions | null {
    if (ifMatch === undefined && ifNoneMatch === undefined) return null
    return new Conditions(parsed('If-Match', ifMatch), parsed('If-None-Match', ifNoneMatch))
  }

  get hasMatch(): boolean {
    return this.#match !== null
  }

  /** Of a GET or HEAD of a value with this version. */
  judgeRead(version: string): 200 | 304 | 412 {
    if (this.#match !== null && !matchesStrongly(this.#match, version)) return 412
    return this.#noneMatch !== null && matchesWeakly(this.#noneMatch, version) ? 304 : 200
  }

  /** Whether a write may be done where this version is; empty: where nothing is. */
  allowsWrite(version: string): boolean {
    return this.judgeRead(version) === 200
  }

  /** The one version that must be there, where that is all; else null. */
  get onlyVersion(): Version | null {
    const match = this.#match
    if (match === null || match === '*' || this.#noneMatch !== null || match.length !== 1) return null
    const { isWeak, opaque } = match[0]!
    return !isWeak && OURS.test(opaque) ? Version.parse(opaque) : null
  }

  /** Nothing must be there, and that is all. */
  get onlyAbsent(): boolean {
    return this.#match === null && this.#noneMatch === '*'
  }
}

function parsed(name: string, text: string | undefined): EntityTags | null {
  if (text === undefined) return null
  const tags = parseEntityTags(text)
  if (tags === null) throw new BadHeader(`${name} must be * or entity tags: "018f3c2ab7c0000000000001"`)
  return tags
}
