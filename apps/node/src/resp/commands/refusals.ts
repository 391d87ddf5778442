/** What clients ask for most of what is not served, each with its reason. */
import { type Command, CommandError } from '../command.ts'

/** For COMMAND: it does not name them. */
export const REFUSED = 'refused'

const REASONS: readonly (readonly [reason: string, ...names: string[]])[] = [
  ['minivault runs no scripts', 'eval', 'eval_ro', 'evalsha', 'evalsha_ro', 'script', 'function', 'fcall'],
  [
    'minivault has no channels',
    'subscribe',
    'psubscribe',
    'ssubscribe',
    'unsubscribe',
    'punsubscribe',
    'publish',
    'pubsub',
  ],
  ['minivault does not show what others ask for', 'monitor'],
  ['the members of a cluster replicate by themselves', 'replicaof', 'slaveof', 'psync', 'sync'],
  [
    'any node serves any key, the protocol of Redis Cluster is not spoken',
    'cluster',
    'asking',
    'readonly',
    'readwrite',
  ],
  ['minivault is stopped by a signal', 'shutdown'],
]

export const refusedCommands: readonly Command[] = REASONS.flatMap(([reason, ...names]) =>
  names.map((name) => ({
    name,
    arity: -1,
    kind: 'connection' as const,
    flags: [REFUSED],
    isImmediate: true,
    run({ session }) {
      if (session.transaction !== null) session.transaction.isRefused = true
      throw new CommandError(`ERR unknown command '${name}': ${reason}`)
    },
  })),
)
