/**
 * Brings comment lines that are too long under the limit by moving words to the next line: `tidy --wrap`.
 * Only prose moves: a line that looks like a drawing, a table or a list item keeps its start, and what does
 * not fit goes into a line of its own below, never into a drawing. Code is not touched, so a long line of
 * code or of a comment behind code stays for a person.
 */
import { LINE_CHARACTERS_MAX } from './limits.ts'

const COMMENT = /^(\s*)(\/\/ |\* )(\S.*)$/
const ONE_LINE_BLOCK = /^(\s*)\/\*\* (.*) \*\/$/

export function wrapComments(text: string): string {
  const lines = text.split('\n').flatMap((line) => {
    const block = ONE_LINE_BLOCK.exec(line)
    if (block === null || line.length <= LINE_CHARACTERS_MAX) return [line]
    return [`${block[1]}/**`, `${block[1]} * ${block[2]}`, `${block[1]} */`]
  })
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] as string
    const comment = COMMENT.exec(line)
    if (comment === null || line.length <= LINE_CHARACTERS_MAX || isDrawing(comment[3] as string)) continue
    const cut = line.lastIndexOf(' ', LINE_CHARACTERS_MAX)
    const start = `${comment[1]}${comment[2]}`
    if (cut <= start.length) continue
    const rest = line.slice(cut + 1)
    lines[index] = line.slice(0, cut)
    const next = COMMENT.exec(lines[index + 1] ?? '')
    const joins = next !== null && `${next[1]}${next[2]}` === start && isProse(next[3] as string)
    if (joins) lines[index + 1] = `${start}${rest} ${next[3]}`
    else lines.splice(index + 1, 0, `${start}${rest}`)
  }
  return lines.join('\n')
}

function isDrawing(text: string): boolean {
  return / {3,}\S/.test(text) || /[│┌└├─|]/.test(text)
}

/** Whether words may be put in front of this line: not a list item, a tag, a heading, a drawing. */
function isProse(text: string): boolean {
  return !isDrawing(text) && !/^([-*@#>`]|\d+[.)] )/.test(text)
}
