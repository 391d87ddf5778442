/**
 * A Dockerfile read: its stages, each a list of instructions. Knows what ours uses and refuses the rest, so
 * that nothing in it goes unchecked.
 */
export interface Instruction {
  readonly name: string
  /** What follows the name and its flags. */
  readonly rest: string
  /** `--from=build` → from: build */
  readonly flags: Readonly<Record<string, string>>
}

export interface Stage {
  readonly base: string
  readonly name: string | null
  readonly instructions: readonly Instruction[]
}

const KNOWN = new Set('WORKDIR COPY RUN ENV USER VOLUME EXPOSE HEALTHCHECK ENTRYPOINT CMD'.split(' '))

export function readDockerfile(text: string): Stage[] {
  const stages: { base: string; name: string | null; instructions: Instruction[] }[] = []
  const values: Record<string, string> = {}
  for (const line of joinedLines(text)) {
    const { name, rest, flags } = readInstruction(line)
    if (name === 'ARG') {
      const [variable, value = ''] = rest.split('=')
      values[variable!] = value
    } else if (name === 'FROM') {
      const [base, , stage = null] = rest.split(' ')
      stages.push({ base: filled(base!, values), name: stage, instructions: [] })
    } else {
      if (!KNOWN.has(name)) throw new Error(`what does ${name} mean? (${line})`)
      stages.at(-1)!.instructions.push({ name, rest, flags })
    }
  }
  return stages
}

/** Without comments; a line that ends in a backslash goes on in the next. */
function joinedLines(text: string): string[] {
  const plain = text.split('\n').filter((line) => !/^\s*#/.test(line))
  return plain
    .join('\n')
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
}

function readInstruction(line: string): Instruction {
  const [name, ...words] = line.split(/\s+/)
  const flags: Record<string, string> = {}
  while (words[0]?.startsWith('--')) {
    const [flag, value = ''] = words.shift()!.slice(2).split('=')
    flags[flag!] = value
  }
  return { name: name!, rest: words.join(' '), flags }
}

function filled(text: string, values: Readonly<Record<string, string>>): string {
  return text.replaceAll(/\$\{(\w+)\}/g, (_, name) => values[name] ?? '')
}

/** `["a", "b"]`: a command without a shell. */
export function readCommand(text: string): string[] {
  return JSON.parse(text.replace(/^CMD /, ''))
}
