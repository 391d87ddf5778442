/** COMMAND: what the table says of each command, as clients ask for it. */
import { type Command, type CommandContext, CommandError, type KeyPlaces, type Reply } from '../command.ts'
import { isMatch, patternIn } from './globs.ts'
import { REFUSED } from './refusals.ts'
import { SYNTAX_ERROR, shownOf, textOf, wordOf, wrongArity } from './words.ts'

const NO_KEYS: KeyPlaces = { first: 0, last: 0, step: 0 }

export const commandCommand: Command = {
  name: 'command',
  arity: -1,
  kind: 'connection',
  summary: 'Tells of the commands there are',
  run(context, [what, ...args]) {
    const all = servedOf(context)
    switch (what === undefined ? '' : wordOf(what)) {
      case '':
        return all.map(factsOf)
      case 'COUNT':
        return all.length
      case 'INFO':
        return args.length === 0 ? all.map(factsOf) : args.map((name) => infoOf(context, name))
      case 'DOCS':
        return docsOf(args.length === 0 ? all : all.filter((command) => isNamed(command, args)))
      case 'LIST':
        return listOf(all, args)
      case 'GETKEYS':
        return keysOf(context, args)
      default:
        throw new CommandError(`ERR unknown subcommand '${shownOf(what!)}'. Try COMMAND HELP.`)
    }
  },
}

function servedOf({ commands }: CommandContext): Command[] {
  return [...commands.values()].filter(({ flags }) => flags?.includes(REFUSED) !== true)
}

function isNamed({ name }: Command, args: readonly Uint8Array[]): boolean {
  return args.some((arg) => textOf(arg).toLowerCase() === name)
}

function infoOf(context: CommandContext, name: Uint8Array): Reply {
  const command = servedOf(context).find((candidate) => isNamed(candidate, [name]))
  return command === undefined ? null : factsOf(command)
}

/** Name, arity, flags, key places, then what newer clients look for: categories, tips, key forms, parts. */
function factsOf(command: Command): Reply {
  const { first, last, step } = command.keys ?? NO_KEYS
  const categories = command.kind === 'connection' ? ['@connection'] : [`@${command.kind}`, '@string']
  return [
    command.name,
    command.arity,
    { set: flagsOf(command).map((flag) => ({ simple: flag })) },
    first,
    last,
    step,
    { set: categories.map((category) => ({ simple: category })) },
    [],
    [],
    [],
  ]
}

function flagsOf({ kind, flags = [] }: Command): readonly string[] {
  return kind === 'write' ? ['write', ...flags] : flags
}

function docsOf(commands: readonly Command[]): Reply {
  return {
    map: commands.map(({ name, summary = '', kind }) => [
      name,
      {
        map: [
          ['summary', summary],
          ['since', '1.0.0'],
          ['group', kind === 'connection' ? 'connection' : 'string'],
        ],
      },
    ]),
  }
}

function listOf(all: readonly Command[], args: readonly Uint8Array[]): Reply {
  const names = all.map(({ name }) => name)
  if (args.length === 0) return names
  const [filter, by, value] = args
  if (args.length !== 3 || wordOf(filter!) !== 'FILTERBY') throw new CommandError(SYNTAX_ERROR)
  if (wordOf(by!) !== 'PATTERN') throw new CommandError('ERR only FILTERBY PATTERN is served')
  const pattern = patternIn(value!)
  return names.filter((name) => isMatch(pattern, Buffer.from(name)))
}

function keysOf({ commands }: CommandContext, [name, ...args]: readonly Uint8Array[]): Reply {
  if (name === undefined) throw wrongArity('command|getkeys')
  const command = commands.get(textOf(name).toLowerCase())
  if (command === undefined) throw new CommandError('ERR Invalid command specified')
  const count = args.length + 1
  if (command.arity > 0 ? count !== command.arity : count < -command.arity) {
    throw new CommandError('ERR Invalid number of arguments specified for command')
  }
  const { first, last, step } = command.keys ?? NO_KEYS
  if (first === 0) throw new CommandError('ERR The command has no key arguments')
  const end = last < 0 ? args.length : last
  return args.filter((_arg, at) => at >= first - 1 && at < end && (at - first + 1) % step === 0)
}
