/**
 * What the rules need to know of one file, taken from TypeScript's own parser in one walk: its imports, its
 * functions with their lengths, the calls and globals that touch the world, its statements. No types are
 * checked here.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'

export interface Import {
  readonly module: string
  readonly line: number
  readonly typeOnly: boolean
}

export interface FunctionSize {
  readonly name: string
  readonly line: number
  readonly lines: number
}

/** A use of something global: `Date.now`, `setTimeout`, `process`, `console`. */
export interface GlobalUse {
  readonly name: string
  readonly line: number
}

export interface SourceFile {
  readonly path: string
  readonly text: string
  readonly imports: readonly Import[]
  readonly functions: readonly FunctionSize[]
  readonly globals: readonly GlobalUse[]
  readonly classes: readonly { name: string; line: number }[]
  readonly strings: ReadonlySet<string>
  readonly opensWithComment: boolean
  /** Lines of statements that are not `export … from`, for index files. */
  readonly otherStatements: readonly number[]
}

const WATCHED = new Set(['process', 'console', 'setTimeout', 'setInterval', 'setImmediate'])
const WATCHED_MEMBERS = new Set(['Date.now', 'Math.random', 'performance.now'])

export function readSourceFile(root: string, path: string): SourceFile {
  return parseSourceFile(path, readFileSync(join(root, path), 'utf8'))
}

export function parseSourceFile(path: string, text: string): SourceFile {
  const tree = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true)
  const walk = new Walk(tree)
  walk.visit(tree)
  const first = tree.statements[0]
  const head = text.slice(first?.getFullStart() ?? 0, first?.getStart(tree) ?? text.length)
  return {
    path,
    text,
    imports: walk.imports,
    functions: walk.functions,
    globals: walk.globals.filter((use) => !walk.declared.has(use.name.split('.')[0] ?? '')),
    classes: walk.classes,
    strings: walk.strings,
    opensWithComment: /\/\/|\/\*/.test(head),
    otherStatements: tree.statements.filter((node) => !isExportFrom(node)).map((node) => walk.lineOf(node)),
  }
}

function isExportFrom(node: ts.Statement): boolean {
  return ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined
}

class Walk {
  readonly imports: Import[] = []
  readonly functions: FunctionSize[] = []
  readonly globals: GlobalUse[] = []
  readonly classes: { name: string; line: number }[] = []
  readonly strings = new Set<string>()
  /** Names this file declares or imports itself; they are no globals. */
  readonly declared = new Set<string>()
  readonly #tree: ts.SourceFile

  constructor(tree: ts.SourceFile) {
    this.#tree = tree
  }

  lineOf(node: ts.Node): number {
    return this.#tree.getLineAndCharacterOfPosition(node.getStart(this.#tree)).line + 1
  }

  readonly visit = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node)) this.strings.add(node.text)
    if (ts.isIdentifier(node)) this.#identifier(node)
    if (ts.isClassDeclaration(node) && node.name)
      this.classes.push({ name: node.name.text, line: this.lineOf(node) })
    if (ts.isFunctionLike(node) && 'body' in node && node.body !== undefined) this.#function(node)
    this.#import(node)
    ts.forEachChild(node, this.visit)
  }

  #import(node: ts.Node): void {
    const add = (specifier: ts.Node | undefined, typeOnly: boolean) => {
      if (specifier === undefined || !ts.isStringLiteralLike(specifier)) return
      this.imports.push({ module: specifier.text, line: this.lineOf(node), typeOnly })
    }
    if (ts.isImportDeclaration(node)) add(node.moduleSpecifier, isTypeOnly(node.importClause))
    else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly)
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument))
      add(node.argument.literal, true)
    else if (ts.isCallExpression(node) && isLoader(node.expression)) add(node.arguments[0], false)
  }

  #function(node: ts.SignatureDeclaration): void {
    const start = this.lineOf(node)
    const end = this.#tree.getLineAndCharacterOfPosition(node.getEnd()).line + 1
    this.functions.push({ name: functionName(node), line: start, lines: end - start + 1 })
  }

  #identifier(node: ts.Identifier): void {
    const parent = node.parent
    if (isDeclarationName(node)) this.declared.add(node.text)
    else if (ts.isPropertyAccessExpression(parent) && parent.name === node) {
      const member = `${parent.expression.getText(this.#tree)}.${node.text}`.replace(/^globalThis\./, '')
      if (WATCHED_MEMBERS.has(member) || WATCHED.has(member)) this.#use(member, node)
    } else if (WATCHED.has(node.text) && !isPropertyName(node)) this.#use(node.text, node)
  }

  #use(name: string, node: ts.Node): void {
    this.globals.push({ name, line: this.lineOf(node) })
  }
}

function isTypeOnly(clause: ts.ImportClause | undefined): boolean {
  if (clause === undefined) return false
  if (clause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true
  const bindings = clause.namedBindings
  if (clause.name !== undefined || bindings === undefined || !ts.isNamedImports(bindings)) return false
  return bindings.elements.length > 0 && bindings.elements.every((element) => element.isTypeOnly)
}

/** `import(…)`, and `require(…)` or `….resolve(…)` of a module name. */
function isLoader(callee: ts.Expression): boolean {
  if (callee.kind === ts.SyntaxKind.ImportKeyword) return true
  return ts.isIdentifier(callee) && callee.text === 'require'
}

function functionName(node: ts.SignatureDeclaration): string {
  if (ts.isConstructorDeclaration(node)) return 'constructor'
  if (node.name !== undefined) return node.name.getText()
  const parent = node.parent
  if (ts.isVariableDeclaration(parent) || ts.isPropertyAssignment(parent)) return parent.name.getText()
  if (ts.isPropertyDeclaration(parent)) return parent.name.getText()
  if (ts.isCallExpression(parent)) {
    const title = parent.arguments[0]
    const words = title !== undefined && ts.isStringLiteralLike(title) ? ` '${title.text}'` : ''
    return `callback of ${parent.expression.getText()}${words}`
  }
  return 'anonymous function'
}

function isDeclarationName(node: ts.Identifier): boolean {
  const parent = node.parent
  const named =
    ts.isVariableDeclaration(parent) ||
    ts.isParameter(parent) ||
    ts.isBindingElement(parent) ||
    ts.isFunctionDeclaration(parent) ||
    ts.isImportSpecifier(parent) ||
    ts.isImportClause(parent) ||
    ts.isNamespaceImport(parent)
  return named && parent.name === node
}

/** `{ setTimeout: … }`, `interface X { process: … }`, a method called so: a name, not a use. */
function isPropertyName(node: ts.Identifier): boolean {
  const parent = node.parent
  if (ts.isShorthandPropertyAssignment(parent)) return false
  if (ts.isQualifiedName(parent) || ts.isTypeReferenceNode(parent)) return true
  return 'name' in parent && parent.name === node
}
