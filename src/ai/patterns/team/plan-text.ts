/**
 * Reads a plan that a model writes, piece by piece: each task as soon as it is closed. Models do not keep to one form, so several are read;
 * but a task that cannot be read is refused, and never skipped. The grammar, with blanks between all parts:
 *
 *     plan    = { task | list | remark | comment | fence } ;
 *     task    = call | json ;
 *     call    = [bullet] label agent "(" input ")" ;            1. search("Oslo")     Step 2: up("$1")     a = math("$1-$2")
 *     label   = ["Step" | "Task" | "const" | …] id sep ;
 *     sep     = "." | ")" | ":" | "=" | "-" | "->" ;
 *     input   = string | text in balanced parentheses ;         both may go on over several lines
 *     string  = '"' … '"' | "'" … "'" | '"""' … '"""' | "`" … "`" | "“" … "”" ;
 *     json    = "{" … "}" ;                                     a task, or an object whose only list holds the tasks
 *     list    = "[" { json [","] } "]" ;
 *     comment = ("#" | "//" | "--" | "/*" | "<!--") … ;         to the end of the line, also behind a task
 *     remark  = a line without any sign of a task ;             see `plan-line.ts`
 *     fence   = a line of ``` or ~~~ ;
 *
 * Tasks on one line are separated by blanks, commas or semicolons. A quote closes a string where the input can go on after it, so that
 * `say("He said "hi" to me")` is one string.
 */
import { InvalidGraph } from '../../../base/errors.ts'
import { closing, type FindEnd, literal } from './plan-input.ts'
import { excerpt, PlanLine } from './plan-line.ts'
import { checkedTask, type TeamTask } from './task.ts'

const hint =
  'One task per line: `1. agent("input")`, or a JSON object with `id`, `agent` and `input`. Remarks stand behind a #, and `$1` is the result of task 1.'

export class PlanText {
  readonly #line: PlanLine
  readonly #ids = new Set<string>()
  /** The text that is not read yet; `#at` is where the next element begins. */
  #text = ''
  #at = 0
  #lineNumber = 1
  /** The line in which the list began that is open. */
  #listSince: number | undefined
  /** A task has just ended: what follows on its line must be a task or a comment. */
  #behindTask = false
  /** The call or object that has begun and is not closed yet. */
  #open: Open | undefined
  #seen = ''
  /** Nothing but blanks was written. */
  blank = true

  constructor(agents: readonly string[]) {
    this.#line = new PlanLine(agents, (id) => this.#ids.has(id))
  }

  /** The tasks that are complete with this piece. @throws {InvalidGraph} naming the line that cannot be read */
  push(piece: string): TeamTask[] {
    if (this.#seen.length < 200) this.#seen += piece.slice(0, 200)
    this.blank &&= piece.trim() === ''
    this.#text += piece
    // Nothing else completes a line or a task. Looking at each piece would copy a long input again and again.
    return /[\n)}\]]/.test(piece) ? this.#read(false) : []
  }

  /** The last tasks. @throws {InvalidGraph} also for a plan that breaks off in a task, and for one without tasks */
  end(): TeamTask[] {
    this.#text += '\n'
    const tasks = this.#read(true)
    if (this.#open || this.#listSince !== undefined) {
      const what = this.#open?.call ? `task "${this.#open.call.id}"` : this.#open ? 'a JSON object' : 'a list'
      const line = this.#open ? this.#lineNumber : (this.#listSince as number)
      throw new InvalidGraph(`The plan ends in the middle of ${what} that begins in line ${line}`, { hint })
    }
    if (this.#ids.size === 0) {
      throw new InvalidGraph(this.blank ? 'The plan is empty' : `The plan has no task: ${excerpt(this.#seen)}`, { hint })
    }
    return tasks
  }

  #read(last: boolean): TeamTask[] {
    const tasks: TeamTask[] = []
    for (let step = this.#next(last); step; step = this.#next(last)) tasks.push(...step)
    this.#text = this.#text.slice(this.#at)
    this.#at = 0
    return tasks
  }

  /** Reads one element. Undefined: more text is needed. */
  #next(last: boolean): readonly TeamTask[] | undefined {
    if (this.#open) return this.#close(last)
    this.#skip(this.#listSince !== undefined ? /[\s,]*/y : this.#behindTask ? /(?:[ \t\r,;.*_`]|<\/?[\w ]+>)*/y : /[ \t\r]*/y)
    const first = this.#text[this.#at]
    if (first === undefined) return undefined
    if (first === '\n') return this.#newLine()
    if (first === '{') return this.#openJson()
    if (this.#listSince !== undefined) return this.#inList(first)
    if (first === '[') {
      const list = /\[\s*([^\s])?/y
      list.lastIndex = this.#at
      const inside = list.exec(this.#text)?.[1]
      if (inside === undefined && !last) return undefined
      if (inside === '{' || inside === ']' || inside === undefined) {
        this.#listSince = this.#lineNumber
        this.#advance(this.#at + 1)
        return []
      }
    }
    const end = this.#text.indexOf('\n', this.#at)
    return end === -1 ? undefined : this.#readLine(this.#text.slice(this.#at, end), last && end === this.#text.length - 1)
  }

  #newLine(): readonly TeamTask[] {
    this.#behindTask = false
    this.#advance(this.#at + 1)
    return []
  }

  #inList(first: string): readonly TeamTask[] {
    if (first === ']') {
      this.#listSince = undefined
      this.#behindTask = true
      this.#advance(this.#at + 1)
      return []
    }
    const end = this.#text.indexOf('\n', this.#at)
    throw this.#unreadable(this.#text.slice(this.#at, end === -1 ? undefined : end))
  }

  #readLine(line: string, unfinished: boolean): readonly TeamTask[] {
    const found = this.#line.read(line, this.#behindTask, unfinished && this.#ids.size > 0)
    if (found.kind === 'unreadable') throw this.#unreadable(line)
    if (found.kind === 'remark') this.#advance(this.#at + line.length)
    else {
      this.#advance(this.#at + found.at)
      if (found.kind === 'call') this.#openCall({ id: found.id, agent: found.agent, lineNumber: this.#lineNumber })
    }
    return []
  }

  #openCall(call: Call): void {
    this.#open = { find: closing.call(), call }
  }

  #openJson(): readonly TeamTask[] {
    this.#open = { find: closing.json() }
    return []
  }

  #close(last: boolean): readonly TeamTask[] | undefined {
    const { find, call } = this.#open as Open
    const length = find(this.#text.slice(this.#at), last)
    if (length === undefined) return undefined
    const end = this.#at + length
    const content = this.#text.slice(this.#at, end)
    const tasks = call ? [this.#taskOfCall(call, content)] : this.#tasksOfJson(content)
    this.#open = undefined
    this.#behindTask = true
    this.#advance(end)
    for (const { id } of tasks) this.#ids.add(id)
    return tasks
  }

  #taskOfCall(call: Call, content: string): TeamTask {
    const inside = content.slice(0, -1)
    const swallowed = this.#line.taskInside(inside)
    if (swallowed !== undefined) {
      throw new InvalidGraph(
        `Task "${call.id}" in line ${call.lineNumber} of the plan is not closed before the next task: ${excerpt(swallowed)}`,
        { hint },
      )
    }
    return checkedTask({ id: call.id, agent: call.agent, input: literal(inside) }, excerpt(inside))
  }

  #tasksOfJson(content: string): TeamTask[] {
    let value: unknown
    try {
      value = JSON.parse(repaired(content))
    } catch (cause) {
      throw new InvalidGraph(`Line ${this.#lineNumber} of the plan is not valid JSON: ${excerpt(content)}`, { cause, hint })
    }
    const lists = Object.values(value as object).filter((member) => isTaskList(member))
    const [wrapped] = lists
    if (lists.length === 1 && wrapped && !('id' in (value as object))) {
      return wrapped.map((task) => checkedTask(withTextIds(task), excerpt(JSON.stringify(task))))
    }
    return [checkedTask(withTextIds(value), excerpt(content))]
  }

  #unreadable(line: string): InvalidGraph {
    return new InvalidGraph(`Line ${this.#lineNumber} of the plan cannot be read: ${excerpt(line)}`, { hint })
  }

  #skip(blanks: RegExp): void {
    blanks.lastIndex = this.#at
    this.#advance(this.#at + (blanks.exec(this.#text)?.[0].length ?? 0))
  }

  #advance(to: number): void {
    for (let i = this.#text.indexOf('\n', this.#at); i !== -1 && i < to; i = this.#text.indexOf('\n', i + 1)) this.#lineNumber++
    this.#at = to
  }
}

interface Open {
  readonly find: FindEnd
  readonly call?: Call
}

interface Call {
  readonly id: string
  readonly agent: string
  readonly lineNumber: number
}

/** Models also write line breaks into the strings of JSON, and commas before its closing brackets. */
function repaired(json: string): string {
  return json.replace(/"[^"\\]*(?:\\[\s\S][^"\\]*)*(?:"|$)|,(?=\s*[}\]])/g, (found) =>
    found === ',' ? '' : found.replace(/\r?\n/g, String.raw`\n`).replace(/\t/g, String.raw`\t`),
  )
}

function isTaskList(value: unknown): value is readonly object[] {
  return Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === 'object' && one !== null)
}

/** Planners number tasks: `{"id": 1, "needs": [2]}`. */
function withTextIds(value: unknown): unknown {
  const task = value as { readonly id?: unknown; readonly needs?: unknown }
  const text = (id: unknown): unknown => (typeof id === 'number' ? String(id) : id)
  return { ...task, id: text(task.id), ...(Array.isArray(task.needs) && { needs: task.needs.map(text) }) }
}
