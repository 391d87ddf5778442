/**
 * A scenario is its own transcript: a text with prose at the margin, commands indented by four spaces, and
 * what came of them behind `->` or below, indented by six. It is played again and has to come out as the same
 * text, line by line.
 *
 *     Fault in replica.ts:        everything after it runs on a core with these lines changed, from nothing
 *       - what stands there       (leading spaces do not count)
 *       + what stands there instead
 *     and in marks.ts:            the same fault at another place
 *     Anew:                       from nothing again, on the right core
 */
import { type Core, type Edit, plantedCore, theCore } from './planted-core.ts'

/** Where commands are carried out: a line behind the command, or lines below it. */
export interface Stage {
  run(command: string): string | readonly string[]
}

export type StageOf = (core: Core) => Stage

const COMMAND = /^ {4}(\S.*?)(?: +-> .*)?$/
const OUTCOME = /^ {6}/
const FAULT = /^Fault in (\S+\.ts)\b.*:$/
const FAULT_TOO = /^and in (\S+\.ts)\b.*:$/
const ANEW = /^Anew\b.*:$/
const EDIT = /^ {2}([-+]) (.*)$/

/** Plays it, and returns the text as it should be. Throws on a command that does not exist. */
export async function replay(text: string, stageOf: StageOf, folder: () => string): Promise<string> {
  const played: string[] = []
  let stage = stageOf(theCore)
  let block: Played[] = []
  const endBlock = () => {
    played.push(...written(block))
    block = []
  }
  const lines = text.split('\n')
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index]!
    if (OUTCOME.test(line)) continue
    const command = COMMAND.exec(line)?.[1]
    if (command !== undefined) {
      block.push({ command, outcome: stage.run(command) })
      continue
    }
    endBlock()
    if (line.startsWith('   ')) throw new Error(`neither prose nor a command: \`${line}\``)
    played.push(line)
    if (ANEW.test(line)) stage = stageOf(theCore)
    if (FAULT.test(line)) stage = stageOf(await plantedCore(editsOf(lines.slice(index)), folder()))
  }
  endBlock()
  return played.join('\n')
}

interface Played {
  readonly command: string
  readonly outcome: string | readonly string[]
}

/** What came of them stands below each other. */
function written(block: readonly Played[]): string[] {
  const isInline = ({ outcome }: Played) => typeof outcome === 'string'
  const width = Math.max(0, ...block.filter(isInline).map(({ command }) => command.length))
  return block.flatMap(({ command, outcome }) => {
    if (typeof outcome === 'string') return [`    ${command.padEnd(width)}  -> ${outcome}`]
    return [`    ${command}`, ...outcome.map((line) => `      ${line}`)]
  })
}

/** From the line that names the first file, up to the first command. */
function editsOf(lines: readonly string[]): Edit[] {
  const edits: (Edit & { removed: string[]; added: string[] })[] = []
  for (const line of lines) {
    const file = (FAULT.exec(line) ?? FAULT_TOO.exec(line))?.[1]
    const edit = EDIT.exec(line)
    if (COMMAND.test(line)) break
    if (file !== undefined) edits.push({ file, removed: [], added: [] })
    if (edit !== null) edits.at(-1)![edit[1] === '-' ? 'removed' : 'added'].push(edit[2]!)
  }
  return edits
}
