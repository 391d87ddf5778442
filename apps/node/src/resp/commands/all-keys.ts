/** Commands that go through all keys: SCAN, KEYS, DBSIZE, FLUSHDB. */
import type { BatchItem } from '../../key-value.ts'
import { KEYS_A_PAGE, SCAN_ENTRIES_MAX } from '../../limits.ts'
import { type Command, type CommandContext, CommandError, OK, type Reply } from '../command.ts'
import { HeldValues } from '../held-values.ts'
import { isMatch, patternIn, prefixOf } from './globs.ts'
import { outsideOfTransactions } from './in-transaction.ts'
import { sumOf } from './key-by-key.ts'
import { countOf, SYNTAX_ERROR, textOf, wordOf } from './words.ts'

/** As many keys as Redis goes through where no COUNT is given. */
const SCAN_COUNT_DEFAULT = 10
const ALL = new Uint8Array([0x2a])
const CURSOR = /^[0-9]{1,20}$/

const all: readonly Command[] = [
  {
    name: 'scan',
    arity: -2,
    kind: 'read',
    flags: ['readonly'],
    summary: 'Goes through the keys, a page a call, in the order of their bytes',
    run: scan,
  },
  {
    name: 'keys',
    arity: 2,
    kind: 'read',
    flags: ['readonly'],
    summary: 'Returns all keys that match a pattern',
    run: (context, [pattern]) => keysLike(context, patternIn(pattern!)),
  },
  {
    name: 'dbsize',
    arity: 1,
    kind: 'read',
    flags: ['readonly', 'fast'],
    summary: 'Tells how many keys there are; one that has expired counts until it is merged away',
    run: ({ node }) => node.store.stats().keys,
  },
  {
    name: 'flushdb',
    arity: -1,
    kind: 'write',
    summary: 'Deletes all keys, a page at a time',
    run: flush,
  },
  {
    name: 'flushall',
    arity: -1,
    kind: 'write',
    summary: 'Deletes all keys, a page at a time',
    run: flush,
  },
]

export const allKeysCommands: readonly Command[] = all.map(outsideOfTransactions)

interface ScanOptions {
  pattern: Uint8Array
  count: number
  hasStrings: boolean
}

async function scan(
  { ask, now, endMs }: CommandContext,
  [cursorArg, ...words]: readonly Uint8Array[],
): Promise<Reply> {
  const cursor = textOf(cursorArg!)
  if (!CURSOR.test(cursor)) throw new CommandError('ERR invalid cursor')
  const { pattern, count, hasStrings } = scanOptionsOf(words)
  const after = Number(cursor) === 0 ? undefined : ask.positions.keyOf(cursor)
  if (after === undefined && Number(cursor) !== 0) {
    throw new CommandError('ERR this scan is no longer known here: begin again with cursor 0')
  }
  if (!hasStrings) return ['0', []]
  const { keys, isLast } = await ask.scan({
    prefix: prefixOf(pattern),
    entriesMax: Math.min(count, SCAN_ENTRIES_MAX),
    mayBegin: () => now() < endMs,
    ...(after === undefined ? {} : { after }),
  })
  const last = keys.at(-1)
  return [
    isLast || last === undefined ? '0' : ask.positions.add(last),
    keys.filter((key) => isMatch(pattern, key)),
  ]
}

function scanOptionsOf(words: readonly Uint8Array[]): ScanOptions {
  const options = { pattern: ALL as Uint8Array, count: SCAN_COUNT_DEFAULT, hasStrings: true }
  for (let at = 0; at < words.length; at += 2) {
    const value = words[at + 1]
    const word = wordOf(words[at]!)
    if (value === undefined) throw new CommandError(SYNTAX_ERROR)
    if (word === 'MATCH') options.pattern = patternIn(value)
    else if (word === 'TYPE') options.hasStrings = wordOf(value) === 'STRING'
    else if (word === 'COUNT') options.count = countOf(value)
    else throw new CommandError(SYNTAX_ERROR)
    if (options.count < 1) throw new CommandError(SYNTAX_ERROR)
  }
  return options
}

async function keysLike(context: CommandContext, pattern: Uint8Array): Promise<Reply> {
  const found: Uint8Array[] = []
  const held = new HeldValues(context.ask.held)
  try {
    for await (const page of pagesOf(context, prefixOf(pattern))) {
      for (const key of page) {
        if (!isMatch(pattern, key)) continue
        held.take(key.length)
        found.push(key)
      }
    }
    return found
  } finally {
    held.release()
  }
}

/** Keys that are written meanwhile, behind the place it has come to, are deleted, too. */
async function flush(context: CommandContext, words: readonly Uint8Array[]): Promise<Reply> {
  const isRight = words.length === 0 || (words.length === 1 && /^(A?SYNC)$/.test(wordOf(words[0]!)))
  if (!isRight) throw new CommandError(SYNTAX_ERROR)
  for await (const page of pagesOf(context, new Uint8Array(0))) {
    const { ask } = context
    if (ask.isCluster) {
      await sumOf(page, (key) => ask.drop(key))
      continue
    }
    const items: BatchItem[] = page.map((key) => ({ key, value: null, valueType: 0, ttlMs: 0 }))
    await ask.batch(items)
  }
  return OK
}

async function* pagesOf({ ask }: CommandContext, prefix: Uint8Array): AsyncGenerator<readonly Uint8Array[]> {
  let after: Uint8Array | undefined
  for (;;) {
    const page = await ask.scan({
      prefix,
      entriesMax: KEYS_A_PAGE,
      mayBegin: () => true,
      ...(after === undefined ? {} : { after }),
    })
    yield page.keys
    after = page.keys.at(-1)
    if (page.isLast || after === undefined) return
  }
}
