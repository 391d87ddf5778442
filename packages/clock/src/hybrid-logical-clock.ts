/**
 * HybridLogicalClock: issues versions that follow the wall clock and never go back, whatever the wall clock
 * does. After Kulkarni, Demirbas et al., "Logical Physical Clocks" (2014).
 *
 * It keeps the last (wall ms, counter) it issued or adopted as the two int32 `high` and `middle` of a
 * Version. Adding one to that 64-bit number is the next counter, and a full counter carries into the next
 * millisecond by itself.
 *
 * Two invariants:
 * - every version issued is above all issued or adopted before;
 * - every version issued has a wall time below the persisted bound. A restart begins above the bound it finds
 * on disk,
 *   hence above all that any earlier run issued, even when the wall clock was set back in between.
 *
 * The bound is persisted for seconds ahead and not with each version because that is one fsync in ten
 * seconds. The price is that after a crash (not after `seal`) the clock may run up to 12 s ahead of the wall;
 * `aheadMs` tells.
 */
import { ClockError } from './clock-error.ts'
import { BOUND_AHEAD_MS, BOUND_STEP_MS, MAX_OFFSET_MS, WALL_MS_MAX } from './limits.ts'
import { successor, Version } from './version.ts'

const SIGN = 0x80000000 | 0

export interface ClockOptions {
  /** 32 unsigned bits, another for each start of a store. */
  writerId: number
  /** The wall clock in ms since 1970. It may jump, stop and run backwards. */
  now: () => number
  /** Default 500. */
  maxOffsetMs?: number
  /**
   * Everything issued lies above this one. Taken unchecked: pass what this store issued, not what others
   * wrote to it.
   */
  startAbove?: Version
  /** The bound that was found persisted: the clock starts above it. */
  boundMs?: number
  /**
   * Persists a new bound and returns only when it is durable. Called from inside `next` about every 10 s of
   * issued time, 2 s before it is needed. What it throws comes out of `next`, and nothing is issued. It may
   * itself call `next` as long as that stays below the old bound.
   */
  persistBound?: (boundMs: number) => void
  /**
   * The same without waiting, called instead of `persistBound` while the old bound still holds; `done` when
   * it is durable, or never. `next` waits only when it has not been by the time the old bound is reached.
   */
  extendBound?: (boundMs: number, done: () => void) => void
}

export class HybridLogicalClock {
  /** Unsigned. */
  readonly writerId: number

  readonly #low: number
  readonly #raisedWriterId: number
  readonly #now: () => number
  readonly #maxOffsetMs: number
  readonly #persistBound: ((boundMs: number) => void) | undefined
  readonly #extendBound: ((boundMs: number, done: () => void) => void) | undefined
  #high = 0
  #middle = 0
  #boundMs: number
  /**
   * From this wall time on `next` asks for a new bound, as the upper and lower bits of the ms like a Version
   * has them.
   */
  #askHigh = -1
  #askMiddle = -1
  #persisting = false
  /** Counts up whenever an extension under way no longer matters. */
  #extension = 0

  constructor(options: ClockOptions) {
    const { writerId, boundMs = 0, startAbove } = options
    // Not by node:assert: browsers have clocks, too.
    if (!Number.isInteger(writerId) || writerId < 0 || writerId > 0xffffffff) {
      throw new TypeError('writerId is 32 unsigned bits')
    }
    if (!(boundMs >= 0 && boundMs < WALL_MS_MAX)) throw new TypeError('boundMs is a wall time')
    this.writerId = writerId
    this.#low = writerId | 0
    this.#raisedWriterId = raisedWriterOf(writerId)
    this.#now = options.now
    this.#maxOffsetMs = options.maxOffsetMs ?? MAX_OFFSET_MS
    this.#persistBound = options.persistBound
    this.#extendBound = options.extendBound
    this.#boundMs = boundMs
    if (boundMs > 0) this.#raise(highOf(boundMs), middleOf(boundMs))
    if (startAbove !== undefined) this.#raise(startAbove.high, startAbove.middle)
    if (this.#persistBound !== undefined) this.#askFrom(boundMs)
  }

  /**
   * Issues the next version into `into` and returns it. Allocates nothing. Throws ClockError CLOCK_EXHAUSTED
   * at the end of the 48 bits, CLOCK_REENTERED when `persistBound` needs a version at or above the old bound,
   * and whatever
   * `persistBound` throws.
   */
  next(into: Version): Version {
    for (;;) {
      let high = this.#high
      let middle = (this.#middle + 1) | 0
      if (middle === 0) high = this.#carry()
      const wallMs = this.#wallMs()
      const wallHigh = highOf(wallMs)
      const wallMiddle = middleOf(wallMs)
      if (isAbove(wallHigh, wallMiddle, high, middle)) {
        high = wallHigh
        middle = wallMiddle
      }
      if (isAbove(this.#askHigh, this.#askMiddle, high, middle) || !this.#moveBound(high, middle)) {
        this.#high = high
        this.#middle = middle
        return into.set(high, middle, this.#low)
      }
      // The bound has moved; its owner may have taken versions meanwhile, so look again.
    }
  }

  /** What was issued or adopted last. */
  latest(into: Version): Version {
    return into.set(this.#high, this.#middle, this.#low)
  }

  /** For others to `hear`: the one given, where it is as late; nobody may change what is returned. */
  latestOr(version: Version): Version {
    const isAsLate = version.high === this.#high && version.middle === this.#middle
    return isAsLate ? version : this.latest(new Version())
  }

  /**
   * Adopts `seen`, so that all that is issued from now on is above it. False, and nothing adopted: it is too
   * far ahead.
   */
  observe(seen: Version): boolean {
    if (this.isTooFarAhead(seen)) return false
    this.#raise(seen.high, seen.middle)
    return true
  }

  /** `observe`, where nobody asks what came of it: the wall is not looked at for what changes nothing. */
  hear(seen: Version): void {
    if (isAbove(seen.high, seen.middle, this.#high, this.#middle)) this.observe(seen)
  }

  /**
   * The smallest version above a key's `ballot` that this clock can give where it issues nothing above it.
   * Its writer is `raisedWriterOf` this clock's: `next` never issues it. `into` may be `ballot` itself.
   * Throws as `successor`.
   */
  above(ballot: Version, into: Version): Version {
    successor(ballot, this.#raisedWriterId, into)
    this.raised(into)
    return into
  }

  /**
   * What was raised one step above a key's ballot is adopted: as `observe` does, or where that is one step
   * above this clock, too. A clock that runs ahead of the wall after a crash would else issue it again.
   */
  raised(version: Version): void {
    const middle = (this.#middle + 1) | 0
    const high = middle === 0 ? this.#carry() : this.#high
    const isOther = isAbove(version.high, version.middle, high, middle)
    if (!isOther || !this.isTooFarAhead(version)) this.#raise(version.high, version.middle)
  }

  /** True when the wall time of `seen` is more than `maxOffsetMs` ahead of our own wall clock. */
  isTooFarAhead(seen: Version): boolean {
    return seen.wallMs > this.#wallMs() + this.#maxOffsetMs
  }

  /** How far the clock runs ahead of the wall clock, in ms; 0 when it does not. */
  get aheadMs(): number {
    return Math.max(0, wallMsOf(this.#high, this.#middle) - this.#wallMs())
  }

  /**
   * For a clean close: persists the lowest bound that holds, so that the next start need not run ahead of the
   * wall. Does nothing when nothing was issued.
   */
  seal(): void {
    const boundMs = wallMsOf(this.#high, this.#middle) + 1
    if (this.#persistBound === undefined || boundMs >= this.#boundMs) return
    // Ask again before anything is issued after this, whether or not the owner manages to persist it.
    this.#extension += 1
    this.#boundMs = boundMs
    this.#askFrom(boundMs)
    this.#persistBound(boundMs)
  }

  #raise(high: number, middle: number): void {
    if (!isAbove(high, middle, this.#high, this.#middle)) return
    this.#high = high
    this.#middle = middle
  }

  #carry(): number {
    if (this.#high === -1)
      throw new ClockError('CLOCK_EXHAUSTED', 'the clock has reached the end of its 48 bits')
    return (this.#high + 1) | 0
  }

  #wallMs(): number {
    const now = this.#now()
    // Not `<= 0`: a NaN must not come through either.
    return now > 0 ? Math.min(now, WALL_MS_MAX) : 0
  }

  /**
   * Has a bound above this instant persisted. False: already inside such a call, and the old bound still
   * allows it.
   */
  #moveBound(high: number, middle: number): boolean {
    const wallMs = wallMsOf(high, middle)
    if (this.#persistBound === undefined) return false
    if (this.#persisting) {
      if (wallMs < this.#boundMs) return false
      throw new ClockError(
        'CLOCK_REENTERED',
        'a version at or above the bound was asked for while persisting the bound',
      )
    }
    const boundMs = wallMs + BOUND_STEP_MS + BOUND_AHEAD_MS
    if (boundMs > WALL_MS_MAX)
      throw new ClockError('CLOCK_EXHAUSTED', 'the clock has reached the end of its 48 bits')
    if (this.#extendBound !== undefined && wallMs < this.#boundMs) {
      this.#extend(boundMs)
      return false
    }
    this.#extension += 1
    this.#persisting = true
    try {
      this.#persistBound(boundMs)
    } finally {
      this.#persisting = false
    }
    this.#boundMs = boundMs
    this.#askFrom(boundMs - BOUND_AHEAD_MS)
    return true
  }

  #extend(boundMs: number): void {
    this.#extension += 1
    const extension = this.#extension
    // Until it is done the next to ask is who reaches the old bound.
    this.#askFrom(this.#boundMs)
    this.#extendBound!(boundMs, () => {
      if (extension !== this.#extension) return
      this.#boundMs = boundMs
      this.#askFrom(boundMs - BOUND_AHEAD_MS)
    })
  }

  #askFrom(wallMs: number): void {
    this.#askHigh = highOf(wallMs)
    this.#askMiddle = middleOf(wallMs)
  }
}

/**
 * The writer of what a clock gives above a ballot. One too far ahead is not adopted, and one day `next` gets
 * there: with the same writer it would issue that version again.
 */
export function raisedWriterOf(writerId: number): number {
  return (writerId ^ 1) >>> 0
}

function highOf(wallMs: number): number {
  return (wallMs / 0x10000) | 0
}

/** The lower bits of the wall time above a counter of 0. */
function middleOf(wallMs: number): number {
  return wallMs << 16
}

function wallMsOf(high: number, middle: number): number {
  return (high >>> 0) * 0x10000 + (middle >>> 16)
}

function isAbove(high: number, middle: number, thanHigh: number, thanMiddle: number): boolean {
  if (high !== thanHigh) return (high ^ SIGN) > (thanHigh ^ SIGN)
  return (middle ^ SIGN) > (thanMiddle ^ SIGN)
}
