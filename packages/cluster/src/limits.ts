/** Every bound of the core has its name here. */
export interface Limits {
  /**
   * Requests of which a replica remembers what it held; a power of two. Must outlast the clients' retries.
   */
  readonly ledgerEntries: number
  /** Operations under way at one coordinator. */
  readonly operationsMax: number
  /** Rounds that wait for another one on their key. */
  readonly roundQueueMax: number
  /** Tries of a round before its operation is given up, whatever its deadline. */
  readonly roundTriesMax: number
  /** A reader asks anew this often when what it saw was overtaken; then it runs a round. */
  readonly readTriesMax: number
  /** Of a comparison of two members: keys in one message, and keys brought to the newer record at once. */
  readonly entriesMax: number
  readonly repairsAtOnce: number
  /** What goes to one member of another region at once: records, and their values; 1,000 a second, 200 ms. */
  readonly farRepairsAtOnce: number
  readonly farBytesMax: number
  /** Of all that is shared with one member, so many parts are compared side by side. */
  readonly comparisonsAtOnce: number
  /** The same with one in another region: each question takes longer. */
  readonly farComparisonsAtOnce: number
  /** Of the values in one message: with these no more are added. */
  readonly fetchedBytesMax: number
  /**
   * Of a copy: records in one message, and their values. With so many no more are added. 0: none comes
   * unasked.
   */
  readonly copiedMax: number
  readonly copiedBytesMax: number
  /**
   * Who copies leaves whom it copies from alone for `COPY_REST` times an answer's time, and at most so
   * long: who is asked for much else answers late, and is asked the less. 64 KiB a time of three others:
   * nearly 2 MB a second at least.
   */
  readonly copyRestMsMax: number
  /** So long an answer of a comparison takes at least, for all that is known: it may be long. */
  readonly comparedMsMin: number
  /** Times a question of a comparison is asked before the comparison is given up. */
  readonly compareTriesMax: number
  /** Partitions in one introduction: each may come with the floors of all its leaves. */
  readonly introductionsMax: number
  /** Members of which one partition is taken at a time: what the first has brought need not come again. */
  readonly copiesAtOnce: number
  /** Pointers to what one member has missed. */
  readonly hintsMax: number
  /** `NodeCore.onTick` is called so often. */
  readonly tickMs: number
  /**
   * A plain write waits at least so long before a round settles it: on a busy machine answers come late, and
   * rounds make it busier.
   */
  readonly writePatienceMs: number
  /** Who brings a member what it missed waits at least so long: offered again, all goes twice. */
  readonly repairPatienceMs: number
  /** How long answers take is forgotten by a fiftieth, at most so often. */
  readonly patienceFadesMs: number
  /** A member that was silent so long is taken to be away. */
  readonly suspectAfterMs: number
  /** A member is compared with at least so often. */
  readonly compareEveryMs: number
  /** So long after it expired, by the clocks of all its replicas, a record may be released. */
  readonly expiryGraceMs: number
}

export const LIMITS: Limits = {
  ledgerEntries: 64 * 1024,
  operationsMax: 64 * 1024,
  roundQueueMax: 1024,
  roundTriesMax: 32,
  readTriesMax: 3,
  entriesMax: 1024,
  repairsAtOnce: 64,
  farRepairsAtOnce: 1024,
  farBytesMax: 8 * 1024 * 1024,
  comparisonsAtOnce: 8,
  farComparisonsAtOnce: 64,
  fetchedBytesMax: 256 * 1024,
  copiedMax: 256,
  copiedBytesMax: 64 * 1024,
  copyRestMsMax: 100,
  comparedMsMin: 100,
  compareTriesMax: 8,
  introductionsMax: 16,
  copiesAtOnce: 1,
  hintsMax: 64 * 1024,
  tickMs: 250,
  writePatienceMs: 0,
  repairPatienceMs: 0,
  patienceFadesMs: 30,
  suspectAfterMs: 1500,
  compareEveryMs: 10 * 60_000,
  expiryGraceMs: 60 * 60_000,
}

/** How long an answer is waited for is measured; these are its bounds. */
export const PATIENCE_MS_MIN = 20
export const PATIENCE_MS_MAX = 2000
/** For answers that are synced, after rounds that were given up: a disk at its limit takes seconds. */
export const ROUND_PATIENCE_MS_MAX = 8000
/** A round trip to another region, before any was measured, and at least. */
export const FAR_ROUND_TRIP_MS_MIN = 250
/** As `copyRestMsMax` says. */
export const COPY_REST = 4
/** Pointers for a member go before a comparison with it, but for so long at most. */
export const COMPARE_AFTER_HINTS_MS = 15_000
/** After such a pause pointers are all there, as it seems. */
export const HINTED_LATELY_MS = 500
/** What one member began is over by then, mostly, and others compare the same. */
export const COMPARE_REST_AFTER_MS = 15_000
/** How long a record is offered to a member that lacks it, before the next comparison has to do it. */
export const REPAIR_DEADLINE_MS = 5000
/** A tick that came late is remembered, and less with each that follows. */
export const LAG_DECAY = 0.9
