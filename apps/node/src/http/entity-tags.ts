/** Entity tags (RFC 9110, 8.8.3) as `If-Match` and `If-None-Match` list them. Ours are versions. */

export interface EntityTag {
  readonly isWeak: boolean
  /** What stands between the quotes. */
  readonly opaque: string
}

export type EntityTags = '*' | readonly EntityTag[]

const TAG = /(W\/)?"([\x21\x23-\x7e\x80-\xff]*)"/y
const GAP = /[ \t]*(?:,[ \t]*)*/y

/** Null: the text is no list of entity tags. */
export function parseEntityTags(text: string): EntityTags | null {
  if (text.trim() === '*') return '*'
  const tags: EntityTag[] = []
  let at = skip(GAP, text, 0)
  while (at < text.length) {
    TAG.lastIndex = at
    const found = TAG.exec(text)
    if (found === null) return null
    tags.push({ isWeak: found[1] !== undefined, opaque: found[2]! })
    const next = skip(GAP, text, TAG.lastIndex)
    if (next < text.length && !text.slice(TAG.lastIndex, next).includes(',')) return null
    at = next
  }
  return tags.length === 0 ? null : tags
}

function skip(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at
  pattern.exec(text)
  return pattern.lastIndex
}

/** `version` is of what is there; empty: nothing. Strongly: weak tags match nothing but by `*`. */
export function matchesStrongly(tags: EntityTags, version: string): boolean {
  if (version === '') return false
  return tags === '*' || tags.some(({ isWeak, opaque }) => !isWeak && opaque === version)
}

export function matchesWeakly(tags: EntityTags, version: string): boolean {
  if (version === '') return false
  return tags === '*' || tags.some(({ opaque }) => opaque === version)
}
