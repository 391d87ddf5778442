/**
 * The runnable parts of a Markdown page. Every block fenced as `bash` is run, in order; a block fenced as
 * `text` right after one (blank lines between) is what it prints. Blocks fenced `sh` (or anything else) are
 * only read: what sets up a machine, starts a server, or costs minutes. A test of its own may ask for them.
 */
export interface Block {
  /** Line of the opening fence, from 1. */
  readonly line: number
  readonly commands: string
  /** Null when the page does not say what is printed. */
  readonly expected: string | null
}

/** @param run the language of the blocks to be run */
export function readBlocks(markdown: string, run = 'bash'): Block[] {
  const lines = markdown.split('\n')
  const blocks: Block[] = []
  let open: { language: string; line: number; body: string[] } | null = null
  let last: { block: number; line: number } | null = null
  lines.forEach((text, index) => {
    const fence = /^```(\w*)/.exec(text)
    if (open !== null && text.startsWith('```')) {
      const body = open.body.join('\n')
      if (open.language === run) {
        blocks.push({ line: open.line, commands: body, expected: null })
        last = { block: blocks.length - 1, line: index }
      } else if (
        open.language === 'text' &&
        last !== null &&
        isBlank(lines.slice(last.line + 1, open.line - 1))
      ) {
        blocks[last.block] = { ...(blocks[last.block] as Block), expected: body }
        last = null
      }
      open = null
    } else if (open !== null) open.body.push(text)
    else if (fence !== null) open = { language: fence[1] ?? '', line: index + 1, body: [] }
  })
  return blocks
}

function isBlank(lines: readonly string[]): boolean {
  return lines.every((line) => line.trim() === '')
}

/**
 * Whether `actual` is what the page shows; `…` in the page stands for anything, white space at ends is
 * ignored.
 */
export function isAsPrinted(expected: string, actual: string): boolean {
  const pattern = expected
    .trim()
    .split('…')
    .map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
    .join('[\\s\\S]*')
  return new RegExp(`^${pattern}$`).test(actual.trim())
}
