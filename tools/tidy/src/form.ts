/**
 * The rules about a file itself: how long it, its functions and its lines are, what it is called, that an
 * index file only passes on what others export, and that a file opens by saying what it is.
 */
import { basename } from 'node:path'
import { type Finding, finding } from './finding.ts'
import { FILE_LINES_MAX, FUNCTION_LINES_MAX, LINE_CHARACTERS_MAX } from './limits.ts'
import type { SourceFile } from './source-file.ts'

const REFUSED_NAMES = /^(utils?|helpers?|shared|common|misc|types|lib)$/
const REFUSED_ENDINGS = /(-|^)(utils?|helpers?|manager)$/
const REFUSED_CLASSES = /(Manager|Helper|Utils?)$/
const KEBAB_CASE = /^[a-z0-9]+(-[a-z0-9]+)*(\.test|\.d|\.config)?$/

export function checkForm(file: SourceFile): Finding[] {
  return [...checkSizes(file), ...checkNames(file), ...checkIndex(file), ...checkOpening(file)]
}

function checkSizes(file: SourceFile): Finding[] {
  const found: Finding[] = []
  const lines = file.text.split('\n')
  const count = lines.at(-1) === '' ? lines.length - 1 : lines.length
  if (count > FILE_LINES_MAX) {
    found.push(finding('file-length', file.path, 0, `has ${count} lines, at most ${FILE_LINES_MAX}`, count))
  }
  // A test or a contract is a list of statements inside one callback; the length of its file bounds it.
  for (const { name, line, lines: length } of /(\.test|-contract)\.ts$/.test(file.path)
    ? []
    : file.functions) {
    if (length <= FUNCTION_LINES_MAX) continue
    const message = `${name} has ${length} lines, at most ${FUNCTION_LINES_MAX}`
    found.push(finding('function-length', file.path, line, message, length, name))
  }
  lines.forEach((line, index) => {
    if (line.length <= LINE_CHARACTERS_MAX) return
    const message = `line of ${line.length} characters, at most ${LINE_CHARACTERS_MAX}`
    found.push(finding('line-length', file.path, index + 1, message, line.length))
  })
  return found
}

function checkNames(file: SourceFile): Finding[] {
  const found: Finding[] = []
  const parts = file.path.split('/')
  for (const part of parts) {
    const name = part.replace(/\.(ts|mts|mjs|js)$/, '')
    if (REFUSED_NAMES.test(name) || REFUSED_ENDINGS.test(name)) {
      const message = `is called ${part}: a helper lives with its first user, a type with its noun`
      found.push(finding('name', file.path, 0, message))
    }
  }
  const name = basename(file.path).replace(/\.(ts|mts|mjs|js)$/, '')
  if (!KEBAB_CASE.test(name))
    found.push(finding('name', file.path, 0, `is called ${name}: files are kebab-case`))
  for (const { name: className, line } of file.classes) {
    if (!REFUSED_CLASSES.test(className)) continue
    found.push(
      finding('name', file.path, line, `class ${className}: name the noun it is, not that it manages one`),
    )
  }
  return found
}

function checkIndex(file: SourceFile): Finding[] {
  if (basename(file.path) !== 'index.ts') return []
  return file.otherStatements.map((line) =>
    finding('index-file', file.path, line, 'an index file holds only `export { … } from` lines'),
  )
}

function checkOpening(file: SourceFile): Finding[] {
  if (file.opensWithComment || basename(file.path) === 'index.ts' || /\.test\.ts$/.test(file.path)) return []
  return [
    finding('opening-comment', file.path, 1, 'does not open with a comment that says what it owns and why'),
  ]
}
