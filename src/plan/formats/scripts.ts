/**
 * Scripts of a package.json as a plan: what one script runs, command by command. `&&` puts a command after the one before it, and that order is perhaps
 * not meant, so its link is marked as implied; `&`, `run-p` and `concurrently` run commands at once. Scripts that a command calls are taken apart too.
 */
import { InvalidPlan } from '../model/invalid-plan.ts'
import { place } from '../model/order.ts'
import type { Link, Project, Task } from '../model/project.ts'
import { checked, meant, nameOfFile } from './draft.ts'
import { at, type Located, textOf } from './located.ts'

/** What a command without known duration counts as. */
const unknownMs = 1_000
/** Scripts that call each other deeper than this call themselves. */
const deepest = 50
const tasksMost = 10_000

export function looksLikePackage(root: Located): boolean {
  return at(root, 'scripts')?.kind === 'map' && at(root, 'tasks') === undefined
}

/** @param target a script; else all that no other calls */
export function readScripts(root: Located, file: string, target?: string): Project {
  return new ScriptReader(root, file).project(target)
}

/** Where a piece of work begins and ends: the tasks that must be done before what comes after it. */
type Ends = readonly string[]

class ScriptReader {
  readonly #scripts = new Map<string, { readonly text: string; readonly line: number }>()
  readonly #tasks: Task[] = []
  readonly #called = new Set<string>()
  readonly #file: string
  readonly #name: string

  constructor(root: Located, file: string) {
    this.#file = file
    this.#name = textOf(at(root, 'name')) ?? nameOfFile(file)
    const scripts = at(root, 'scripts')
    if (scripts?.kind !== 'map') throw new InvalidPlan(`This package.json has no scripts${place(file, root.line)}`)
    for (const [name, node] of scripts.entries) {
      const text = textOf(node)
      if (text !== undefined) this.#scripts.set(name, { text, line: node.line })
    }
  }

  project(target: string | undefined): Project {
    if (target !== undefined && !this.#scripts.has(target))
      throw new InvalidPlan(`There is no script "${target}"${place(this.#file, 0)}`, {
        hint: meant(target, [...this.#scripts.keys()]),
      })
    for (const { text } of this.#scripts.values())
      for (const command of words(text))
        for (const called of callsOf(command, this.#scripts)?.names ?? []) this.#called.add(called)
    const roots =
      target === undefined ? [...this.#scripts.keys()].filter((name) => !this.#called.has(name) && !this.#isHook(name)) : [target]
    for (const root of roots.length > 0 ? roots : this.#scripts.keys()) this.#script(root, [], [])
    const implied = this.#tasks.filter(({ links }) => links.some((link) => link.implied)).length
    return checked({
      name: target === undefined ? this.#name : `${this.#name}: ${target}`,
      file: this.#file,
      format: 'scripts',
      unit: 's',
      calendars: {},
      resources: [],
      tasks: this.#tasks,
      notes: [
        'scripts do not say how long commands take: each counts as a second, unless --learn has durations of past runs',
        ...(implied > 0
          ? [`${implied} ${implied === 1 ? 'command waits' : 'commands wait'} for another one only because of &&`]
          : []),
      ],
    })
  }

  #isHook(name: string): boolean {
    return /^(pre|post)/.test(name) && this.#scripts.has(name.replace(/^(pre|post)/, ''))
  }

  /** With the scripts of its name that begin with `pre` and `post`. */
  #script(name: string, after: Ends, path: readonly string[]): Ends {
    const script = this.#scripts.get(name)
    if (!script) return after
    if (path.includes(name) || path.length > deepest)
      throw new InvalidPlan(
        `Scripts call one another in a circle: ${[...path.slice(path.indexOf(name)), name].join(' → ')}${place(this.#file, script.line)}`,
      )
    const own = [...path, name]
    const before = this.#scripts.has(`pre${name}`) ? this.#script(`pre${name}`, after, own) : after
    const ends = this.#line(script.text, script.line, name, before, own)
    return this.#scripts.has(`post${name}`) ? this.#script(`post${name}`, ends, own) : ends
  }

  /** `a && b & c`: parts between `&` run at once, commands between `&&`, `;` and `||` one after the other. */
  #line(text: string, line: number, script: string, after: Ends, path: readonly string[]): Ends {
    const parts = split(text, ['&'])
    return parts.flatMap((part) => {
      let last = after
      for (const command of split(part, ['&&', ';', '||'])) last = this.#command(command.trim(), line, script, last, path)
      return last
    })
  }

  #command(command: string, line: number, script: string, after: Ends, path: readonly string[]): Ends {
    if (command === '') return after
    const calls = callsOf(command, this.#scripts)
    if (calls) {
      if (calls.parallel) return calls.names.flatMap((name) => this.#script(name, after, path))
      return calls.names.reduce((ends: Ends, name) => this.#script(name, ends, path), after)
    }
    const several = concurrent(command)
    if (several) return several.flatMap((each) => this.#line(each, line, script, after, path))
    if (this.#tasks.length >= tasksMost)
      throw new InvalidPlan(`These scripts run more than ${tasksMost} commands${place(this.#file, line)}`)
    const base = `${script}: ${command}`
    const id = this.#tasks.some((task) => task.id === base) ? `${base} #${this.#tasks.length + 1}` : base
    const links = after.map((task): Link => ({ task, type: 'FS', lagMs: 0, line, implied: true }))
    this.#tasks.push({ id, name: command, durationMs: unknownMs, links, demands: [], section: script, line })
    return [id]
  }
}

/** Text between separators that stand outside of quotes and parentheses; a longer separator of the shell is not a shorter one. */
function split(text: string, separators: readonly string[]): string[] {
  const operators = ['&&', '||', ';', '&', '|']
  const parts: string[] = ['']
  let quote = ''
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    const character = text[at] as string
    const operator = quote === '' && depth === 0 ? operators.find((each) => text.startsWith(each, at)) : undefined
    // `2>&1` and `&>` redirect.
    const redirects = operator === '&' && (text[at - 1] === '>' || text[at + 1] === '>')
    if (operator !== undefined && !redirects) {
      if (separators.includes(operator)) parts.push('')
      else parts[parts.length - 1] += operator
      at += operator.length - 1
      continue
    }
    if (character === '\\') {
      parts[parts.length - 1] += character + (text[++at] ?? '')
      continue
    }
    if (quote !== '') quote = character === quote ? '' : quote
    else if (character === '"' || character === "'") quote = character
    else if (character === '(') depth++
    else if (character === ')') depth--
    parts[parts.length - 1] += character
  }
  return parts.map((part) => part.trim()).filter((part) => part !== '')
}

function words(text: string): string[] {
  return split(text, ['&', '&&', ';', '||'])
}

interface Calls {
  readonly names: readonly string[]
  readonly parallel: boolean
}

/** The scripts that a command runs, where it runs nothing else. */
function callsOf(command: string, scripts: ReadonlyMap<string, unknown>): Calls | undefined {
  const parts = command.replace(/^(?:\w+=\S*\s+)+/, '').split(/\s+/)
  const [program = '', ...rest] = parts
  const named = rest.filter((word) => !word.startsWith('-'))
  if (['npm', 'pnpm', 'yarn', 'bun'].includes(program)) {
    const [first = '', second = ''] = named
    const workspace = rest.some((word) =>
      ['-w', '--workspace', '--prefix', '-C', '--filter', '-F', '-r', '--workspaces', '-ws'].includes(word),
    )
    const name = first === 'run' || first === 'run-script' ? second : first
    return !workspace &&
      scripts.has(name) &&
      (first === 'run' || first === 'run-script' || program !== 'npm' || ['test', 'start'].includes(first))
      ? { names: [name], parallel: false }
      : undefined
  }
  if (program === 'node' && rest[0] === '--run')
    return scripts.has(rest[1] ?? '') ? { names: [rest[1] ?? ''], parallel: false } : undefined
  if (!['run-p', 'run-s', 'npm-run-all', 'npm-run-all2'].includes(program)) return undefined
  const names = named.flatMap((pattern) => matching(pattern.replaceAll(/["']/g, ''), scripts))
  const parallel = program === 'run-p' || rest.some((word) => word === '-p' || word === '--parallel')
  return names.length === 0 ? undefined : { names, parallel }
}

/** `build:*` is one level, `build:**` all. */
function matching(pattern: string, scripts: ReadonlyMap<string, unknown>): string[] {
  if (!pattern.includes('*')) return scripts.has(pattern) ? [pattern] : []
  const source = pattern
    .replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&')
    .replaceAll('**', '\0')
    .replaceAll('*', '[^:]*')
    .replaceAll('\0', '.*')
  const found = new RegExp(`^${source}$`)
  return [...scripts.keys()].filter((name) => found.test(name))
}

/** The commands of `concurrently "a" "b"`. */
function concurrent(command: string): string[] | undefined {
  if (!/^concurrently\s/.test(command)) return undefined
  const quoted = [...command.matchAll(/\\?"((?:[^"\\]|\\.)*?)\\?"|'([^']*)'/g)]
    .map(([, double, single]) => (double ?? single ?? '').trim())
    .filter((each) => each.includes(' ') || /^[\w:-]+$/.test(each))
  return quoted.length > 1 ? quoted.map((each) => each.replace(/^npm:(\S+)/, 'npm run $1')) : undefined
}
