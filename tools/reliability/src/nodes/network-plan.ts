/**
 * What a network does in the course of a case: drawn by seed, a flat list of timed troubles. Always at least
 * one majority can talk, and it ends with everybody hearing everybody.
 */
import { seededRandom } from '@minivault/wal/testing'
import type { Ways } from './gate.ts'
import { between, RESET, SILENT, slow, type Trouble, UNANSWERED } from './network.ts'

export interface Spell {
  readonly atMs: number
  readonly forMs: number
  readonly what: string
  readonly troubles: readonly Trouble[]
}

const SPELL_MS_MIN = 150
const SPELL_MS_MAX = 1200
const CALM_MS_MAX = 300
const DELAY_MS_MAX = 60
const RATE_MIN = 20_000
const RATE_MAX = 400_000

/** Spells one after the other, for so long in all. */
export function drawSpells(seed: number, members: number, durationMs: number): Spell[] {
  const random = seededRandom(seed)
  const spells: Spell[] = []
  let atMs = random() * CALM_MS_MAX
  while (atMs < durationMs) {
    const forMs = Math.min(SPELL_MS_MIN + random() * (SPELL_MS_MAX - SPELL_MS_MIN), durationMs - atMs)
    spells.push({ atMs, forMs, ...drawTrouble(random, members) })
    atMs += forMs + random() * CALM_MS_MAX
  }
  return spells
}

function drawTrouble(random: () => number, members: number): Pick<Spell, 'what' | 'troubles'> {
  const alone = Math.floor(random() * members)
  const others = Array.from({ length: members }, (_, member) => member).filter((one) => one !== alone)
  const other = others[Math.floor(random() * others.length)]!
  const kind = Math.floor(random() * 6)
  const { what, ways } = drawWays(random)
  switch (kind) {
    case 0:
    case 1:
      return { what: `${alone} alone, ${what}`, troubles: between([alone], others, ways) }
    case 2:
      return { what: `${alone} and ${other} apart, ${what}`, troubles: between([alone], [other], ways) }
    case 3:
      return {
        what: `${alone} is not heard, ${what}`,
        troubles: others.map((to) => ({ from: alone, to, ways })),
      }
    case 4:
      return {
        what: `${alone} hears nobody, ${what}`,
        troubles: others.map((from) => ({ from, to: alone, ways })),
      }
    default:
      return {
        what: `${alone} does not reach ${other}, ${what}`,
        troubles: [{ from: alone, to: other, ways }],
      }
  }
}

function drawWays(random: () => number): { what: string; ways: Ways } {
  const kind = Math.floor(random() * 6)
  if (kind < 2) return { what: 'silent', ways: SILENT }
  if (kind === 2) return { what: 'reset', ways: RESET }
  if (kind === 3) return { what: 'unanswered', ways: UNANSWERED }
  const delayMs = Math.round(1 + random() * DELAY_MS_MAX)
  if (kind === 4) return { what: `${delayMs} ms late`, ways: slow(delayMs) }
  const rate = Math.round(RATE_MIN + random() * (RATE_MAX - RATE_MIN))
  return { what: `${rate} bytes a second`, ways: slow(1, rate) }
}
