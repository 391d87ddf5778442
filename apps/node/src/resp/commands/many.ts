/** Commands on the values of several keys: all at one moment; in a cluster, each key at its own. */
import { VALUE_TYPE } from '@minivault/storage'
import { type Command, type CommandContext, OK, type Reply, type Told } from '../command.ts'
import { onKeys } from '../on-keys.ts'
import { oneNodeOnly, sumOf } from './key-by-key.ts'
import { textOf, wrongArity } from './words.ts'

const EACH = { first: 1, last: -1, step: 1 }
const EVERY_SECOND = { first: 1, last: -1, step: 2 }

export const manyCommands: readonly Command[] = [
  {
    name: 'mget',
    arity: -2,
    kind: 'read',
    keys: EACH,
    flags: ['readonly', 'fast'],
    summary: 'Returns the values of keys',
    run: (context, names) =>
      onKeys(context, (keys) => keys.getMany(names).map((content) => content?.value ?? null)),
  },
  {
    name: 'mset',
    arity: -3,
    kind: 'write',
    keys: EVERY_SECOND,
    flags: ['denyoom'],
    summary: 'Sets keys to values',
    run: setAll,
  },
  {
    name: 'msetnx',
    arity: -3,
    kind: 'write',
    keys: EVERY_SECOND,
    flags: ['denyoom'],
    summary: 'Sets keys to values where none of them exists',
    run: (context, args) => {
      const pairs = pairsOf('msetnx', args)
      if (context.keys === undefined) oneNodeOnly(context, 'msetnx')
      return onKeys(context, (keys) => {
        const found = keys.findMany(pairs.map(([key]) => key))
        if (found.some((content) => content !== null)) return 0
        for (const [key, value] of pairs) keys.put(key, value)
        return 1
      })
    },
  },
  {
    name: 'del',
    arity: -2,
    kind: 'write',
    keys: EACH,
    summary: 'Deletes keys',
    run: remove,
  },
  {
    name: 'unlink',
    arity: -2,
    kind: 'write',
    keys: EACH,
    flags: ['fast'],
    summary: 'Deletes keys',
    run: remove,
  },
  {
    name: 'exists',
    arity: -2,
    kind: 'read',
    keys: EACH,
    flags: ['readonly', 'fast'],
    summary: 'Tells how many of the keys exist; one that is named twice counts twice',
    run: count,
  },
  {
    name: 'touch',
    arity: -2,
    kind: 'read',
    keys: EACH,
    flags: ['readonly', 'fast'],
    summary: 'Tells how many of the keys exist',
    run: count,
  },
]

function pairsOf(name: string, args: readonly Uint8Array[]): [Uint8Array, Uint8Array][] {
  if (args.length % 2 !== 0) throw wrongArity(name)
  const pairs: [Uint8Array, Uint8Array][] = []
  for (let at = 0; at < args.length; at += 2) pairs.push([args[at]!, args[at + 1]!])
  return pairs
}

function setAll(context: CommandContext, args: readonly Uint8Array[]): Told<Reply> {
  const pairs = pairsOf('mset', args)
  const { keys, ask } = context
  if (keys !== undefined) {
    for (const [key, value] of pairs) keys.put(key, value)
    return OK
  }
  if (ask.isCluster) {
    const last = new Map(pairs.map(([key, value]) => [textOf(key), { key, value }]))
    return sumOf([...last.values()], ({ key, value }) => ask.set(key, value)).then(() => OK)
  }
  const done = ask.batch(pairs.map(([key, value]) => ({ key, value, valueType: VALUE_TYPE.raw, ttlMs: 0 })))
  return done instanceof Promise ? done.then(() => OK) : OK
}

function remove(context: CommandContext, names: readonly Uint8Array[]): Told<Reply> {
  const { ask } = context
  if (ask.isCluster && context.keys === undefined) return sumOf(names, (name) => ask.delete(name))
  return onKeys(context, (keys) => {
    keys.findMany(names)
    let removed = 0
    for (const name of names) {
      if (keys.find(name) === null) continue
      keys.remove(name)
      removed += 1
    }
    return removed
  })
}

function count(context: CommandContext, names: readonly Uint8Array[]): Told<Reply> {
  return onKeys(context, (keys) => {
    const found = keys.findMany(names)
    return found.filter((content) => content !== null).length
  })
}
