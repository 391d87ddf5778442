/**
 * The whole programs of a Markdown page: a block fenced with the name of a language, and the block fenced as
 * `text` behind it, which is what the program prints.
 */
export interface Program {
  readonly language: string
  readonly text: string
  readonly expected: string
}

const PROGRAM = /^```(typescript|python|go|rust)\n([\s\S]*?)^```\n\s*^```text\n([\s\S]*?)^```$/gm

export function readPrograms(markdown: string): Program[] {
  return [...markdown.matchAll(PROGRAM)].map(([, language, text, expected]) => ({
    language: language as string,
    text: text as string,
    expected: expected as string,
  }))
}
