/** One file, parsed: its tree with parents, its variables, and lists of the nodes that rules begin with. */
import { analyze, type ScopeManager, type Variable } from '@typescript-eslint/scope-manager'
import type { Program } from 'oxc-parser'
import { parseSync } from 'oxc-parser'
import { eachChild, type Node } from './ast.ts'

/** A file that is larger is generated or minified: nobody edits it. */
const longestLine = 5_000

export interface SourceFile {
  readonly path: string
  readonly text: string
  readonly program: Program
  /** The variable that an identifier reads or writes; undefined for globals. */
  variableOf(identifier: Node): Variable | undefined
  nodes<T extends Node['type']>(type: T): readonly Extract<Node, { type: T }>[]
  /** Line and column, both from 1. */
  position(offset: number): { readonly line: number; readonly column: number }
}

export interface Unreadable {
  readonly path: string
  readonly reason: string
}

export type { Variable }

export function parseFile(path: string, text: string): SourceFile | Unreadable {
  if (text.length > longestLine && text.length / (text.match(/\n/g)?.length ?? 1) > longestLine / 10) {
    return { path, reason: 'it is minified' }
  }
  const { program, errors } = parseSync(path, text, { astType: 'ts', preserveParens: false, lang: languageOf(path) })
  const [error] = errors.filter(({ severity }) => severity === 'Error')
  if (error) return { path, reason: `it cannot be parsed: ${error.message}` }
  const byType = index(program)
  let scopes: ScopeManager | undefined
  let references: Map<unknown, Variable> | undefined
  const variables = (): Map<unknown, Variable> => {
    if (references) return references
    scopes = analyze(program as never, { sourceType: 'module', lib: [] })
    references = new Map()
    for (const scope of scopes.scopes) {
      for (const variable of scope.variables) for (const name of variable.identifiers) references.set(name, variable)
      for (const { identifier, resolved } of scope.references) if (resolved) references.set(identifier, resolved)
    }
    return references
  }
  let starts: number[] | undefined
  return {
    path,
    text,
    program,
    variableOf: (identifier) => variables().get(identifier),
    nodes: (type) => (byType.get(type) ?? []) as never,
    position(offset) {
      starts ??= lineStarts(text)
      let line = upperBound(starts, offset)
      line = Math.max(line, 1)
      return { line, column: offset - (starts[line - 1] ?? 0) + 1 }
    },
  }
}

function languageOf(path: string): 'ts' | 'tsx' | 'js' | 'jsx' {
  if (/\.[cm]?ts$/.test(path)) return 'ts'
  if (path.endsWith('.tsx')) return 'tsx'
  // JSX is allowed in plain JavaScript too: many people write it there.
  return 'jsx'
}

/** Sets parents, and lists the nodes of each type. */
function index(program: Program): Map<string, Node[]> {
  const byType = new Map<string, Node[]>()
  const stack: Node[] = [program]
  for (let node = stack.pop(); node; node = stack.pop()) {
    const same = byType.get(node.type)
    if (same) same.push(node)
    else byType.set(node.type, [node])
    const parent = node
    // The analysis of scopes compares where names and functions stand.
    node.range = [node.start, node.end]
    eachChild(node, (child) => {
      child.parent = parent
      stack.push(child)
    })
  }
  for (const nodes of byType.values()) nodes.sort((a, b) => a.start - b.start)
  return byType
}

function lineStarts(text: string): number[] {
  const starts = [0]
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1)
  return starts
}

/** How many of the sorted numbers are at most `value`. */
function upperBound(sorted: readonly number[], value: number): number {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((sorted[middle] ?? 0) <= value) low = middle + 1
    else high = middle
  }
  return low
}
