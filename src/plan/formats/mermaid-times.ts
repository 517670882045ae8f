/**
 * When the tasks of a Mermaid chart begin and end as it draws them. Lengths follow from that where a task ends on a date, or lasts `until` others begin.
 * Tasks may name later ones, so each is placed when it is asked for, after those that it names.
 */
import { Calendar, type CalendarRules } from '../model/calendar.ts'
import { parseLength, wholeDays } from '../model/time.ts'

const dayMs = 86_400_000
const longest = { y: 365 * dayMs, M: 30 * dayMs }

export interface DrawnTask {
  readonly id: string
  readonly name: string
  readonly line: number
  readonly milestone: boolean
  /** Undefined: with the end of the task above. */
  readonly start: string | undefined
  readonly end: string
}

/** Milliseconds since the start of the plan. */
interface Place {
  readonly start: number
  readonly end: number
}

export interface Drawing {
  readonly format: string
  /** Dates as milliseconds since 1970. */
  dateOf(text: string): number | undefined
  readonly startMs: number
  readonly calendar: CalendarRules | undefined
  /** An end that is a date belongs to the task. */
  readonly inclusive: boolean
  wrong(line: number, message: string): Error
}

/** The tasks that `after a b` or `until a b` names. */
export function named(text: string | undefined, word: 'after' | 'until'): readonly string[] | undefined {
  const [first, ...ids] = text?.split(/\s+/) ?? []
  return first === word && ids.length > 0 ? ids : undefined
}

export class ChartTimes {
  readonly #tasks: readonly DrawnTask[]
  readonly #drawing: Drawing
  readonly #calendar: Calendar | undefined
  readonly #numbers: ReadonlyMap<string, number>
  readonly #places: (Place | undefined)[] = []
  /** Tasks that were placed though they wait, somehow, for what was not. */
  readonly #unsure = new Set<number>()

  constructor(tasks: readonly DrawnTask[], drawing: Drawing) {
    this.#tasks = tasks
    this.#drawing = drawing
    this.#numbers = new Map(tasks.map(({ id }, number) => [id, number]))
    this.#calendar = drawing.calendar && Calendar.of(drawing.calendar, drawing.startMs, 'excludes')
  }

  /** Milliseconds of work of the task with that number. */
  durationMs(number: number): number {
    const { start, end } = this.#placeOf(number)
    return this.#calendar ? this.#calendar.worked(end) - this.#calendar.worked(start) : end - start
  }

  #placeOf(number: number): Place {
    const stack = [number]
    const open = new Set(stack)
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      // A circle is reported, with all of its tasks, once the whole plan is known: here its last task waits for nothing.
      const next = this.#named(top).find((other) => this.#places[other] === undefined && !open.has(other))
      if (next !== undefined) {
        stack.push(next)
        open.add(next)
        continue
      }
      if (this.#named(top).some((other) => this.#places[other] === undefined || this.#unsure.has(other))) this.#unsure.add(top)
      this.#places[top] ??= this.#placed(top)
      stack.pop()
    }
    return this.#places[number] as Place
  }

  /** Numbers of the tasks that place one names. */
  #named(number: number): number[] {
    const { start, end } = this.#tasks[number] as DrawnTask
    const ids = [...(named(start, 'after') ?? []), ...(named(end, 'until') ?? [])]
    const numbers = ids.flatMap((id) => this.#numbers.get(id) ?? [])
    return start === undefined && number > 0 ? [number - 1, ...numbers] : numbers
  }

  #placed(number: number): Place {
    const task = this.#tasks[number] as DrawnTask
    const start = this.#start(task, number)
    if (task.milestone) return { start, end: start }
    const end = this.#end(task, start)
    if (end < start) throw this.#drawing.wrong(task.line, `"${task.name}" ends before it starts`)
    return { start, end }
  }

  #start({ name, line, start }: DrawnTask, number: number): number {
    const { dateOf, startMs, format, wrong } = this.#drawing
    const after = start === undefined ? (number > 0 ? [number - 1] : []) : this.#numbersOf(named(start, 'after'))
    if (after) return Math.max(0, ...after.map((other) => this.#places[other]?.end ?? 0))
    const date = dateOf(start ?? '')
    if (date === undefined)
      throw wrong(
        line,
        `Expected the start of "${name}" to be a date in the form ${format}, or "after" and tasks, got ${JSON.stringify(start)}`,
      )
    return date - startMs
  }

  #end({ name, line, end }: DrawnTask, start: number): number {
    const { dateOf, startMs, format, inclusive, wrong } = this.#drawing
    const length = lengthMs(end)
    if (length !== undefined) return this.#calendar ? this.#calendar.add(this.#calendar.next(start), length) : start + length
    const until = named(end, 'until')
    if (until) {
      const starts = until.map((id) => {
        const other = this.#numbers.get(id)
        if (other === undefined) throw wrong(line, `"${name}" lasts until "${id}", and there is no such task`)
        const begins = this.#places[other]?.start
        if (begins === undefined || this.#unsure.has(other))
          throw wrong(line, `"${name}" lasts until "${id}" begins, which waits for "${name}" itself`)
        return begins
      })
      return Math.min(...starts)
    }
    const date = dateOf(end)
    if (date === undefined)
      throw wrong(
        line,
        `Expected the end of "${name}" to be a length such as 3d, "until" and tasks, or a date in the form ${format}, got ${JSON.stringify(end)}`,
      )
    return date + (inclusive ? dayMs : 0) - startMs
  }

  #numbersOf(ids: readonly string[] | undefined): number[] | undefined {
    return ids?.flatMap((id) => this.#numbers.get(id) ?? [])
  }
}

function lengthMs(text: string): number | undefined {
  const [, number = '', unit = ''] = /^(\d+(?:\.\d+)?)(ms|[smhdwMy])$/.exec(text) ?? []
  if (unit === '') return undefined
  if (unit === 'M' || unit === 'y') return Number(number) * longest[unit]
  // A week in a chart is five of its days only where the others are excluded.
  return parseLength(`${number}${unit}`, 'd', wholeDays)
}
