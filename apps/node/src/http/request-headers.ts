/**
 * What a request says in headers of its own: how long the value lives, when the answer may come, which retry
 * it is. Unreadable ones are a BadHeader: a request must not be carried out otherwise than meant.
 */
import type { IncomingHttpHeaders } from 'node:http'
import { Version } from '@minivault/clock'
import { CONSISTENCY, type Consistency } from '@minivault/protocol'
import { DURABILITY, type Durability } from '@minivault/storage'
import { KIND, type Kind } from '../key-value.ts'
import { HTTP_TTL_MS_MAX } from '../limits.ts'
import { BadHeader } from './bad-header.ts'

export interface RequestWishes {
  /** Zero: the value does not end. */
  ttlMs: number
  durability: Durability
  consistency: Consistency
  /** Null: nobody will retry it. */
  request: Version | null
  attempt: number
}

const ATTEMPT_MAX = 255

/** @param durability what a request that names no level gets */
export function readWishes(headers: IncomingHttpHeaders, kind: Kind, durability: Durability): RequestWishes {
  const wishes: RequestWishes = {
    ttlMs: 0,
    durability,
    consistency: CONSISTENCY.server,
    request: null,
    attempt: 0,
  }
  for (const name in headers) {
    if (!name.startsWith('minivault-')) continue
    const value = `${headers[name]}`
    switch (name) {
      case 'minivault-ttl':
        wishes.ttlMs = ttlOf(value, kind)
        break
      case 'minivault-durability':
        wishes.durability = durabilityOf(value)
        break
      case 'minivault-consistency':
        wishes.consistency = consistencyOf(value)
        break
      case 'minivault-request':
        wishes.request = requestOf(value)
        break
      case 'minivault-attempt':
        wishes.attempt = attemptOf(value, headers['minivault-request'])
    }
  }
  return wishes
}

function ttlOf(value: string, kind: Kind): number {
  if (kind !== KIND.set && kind !== KIND.create) throw new BadHeader('Minivault-TTL is for PUT and POST')
  const ttlMs = countOf(value)
  if (ttlMs >= 1 && ttlMs <= HTTP_TTL_MS_MAX) return ttlMs
  throw new BadHeader('Minivault-TTL is milliseconds, from 1 to 2^47')
}

function durabilityOf(value: string): Durability {
  if (Object.hasOwn(DURABILITY, value)) return DURABILITY[value as keyof typeof DURABILITY]
  throw new BadHeader('Minivault-Durability is memory, os or fsync')
}

function consistencyOf(value: string): Consistency {
  if (value === 'one' || value === 'quorum') return CONSISTENCY[value]
  throw new BadHeader('Minivault-Consistency is one or quorum')
}

function requestOf(value: string): Version {
  const request = /^[0-9a-f]{24}$/i.test(value) ? Version.parse(value) : null
  if (request === null || request.isZero()) {
    throw new BadHeader('Minivault-Request is 24 hexadecimal digits, not all zero')
  }
  return request
}

function attemptOf(value: string, request: unknown): number {
  if (request === undefined) throw new BadHeader('Minivault-Attempt goes with Minivault-Request')
  const attempt = countOf(value)
  if (attempt <= ATTEMPT_MAX) return attempt
  throw new BadHeader(`Minivault-Attempt is a number from 0 to ${ATTEMPT_MAX}`)
}

/** Infinity where it is no number without sign. */
function countOf(text: string): number {
  return /^\d{1,15}$/.test(text) ? Number(text) : Number.POSITIVE_INFINITY
}
