/**
 * Explores the interleavings of a few threads whose code yields at every atomic operation: all that switch away from a
 * thread that could have gone on at most so many times. Most concurrency bugs show within two such preemptions
 * (M. Musuvathi, S. Qadeer: "Iterative Context Bounding for Systematic Testing of Multithreaded Programs", 2007).
 *
 * Waiters sleep in the order in which they came, as JavaScript specifies for `Atomics.wait` and `waitAsync`.
 */
import { type Op, wake } from '../../src/sync/shared/steps.ts'

export interface Program {
  readonly cells: number[]
  /** Fresh generators; a thread that throws fails the execution. */
  readonly threads: Generator<Op, unknown, number>[]
  /** Looks at what is left; gives what is wrong with it. */
  readonly atEnd?: () => string | undefined
}

export interface Limits {
  readonly preemptions: number
  /** How many sleepers may give up, each at any moment. @default 0 */
  readonly giveUps?: number
  /**
   * What becomes of one who gave up. `'leaves'` the line (`Atomics.wait`), `'passes on'` a notification that it gets later
   * (`waitAsync`, which cannot be taken back), `'keeps'` it (a mistake). @default 'leaves'
   */
  readonly givenUp?: 'leaves' | 'passes on' | 'keeps'
}

export interface Verdict {
  readonly executions: number
  /** What went wrong, and which thread took each step until then. */
  readonly failure: string | undefined
}

/** A step that may come next: of a thread, or a sleeper that gives up. */
interface Choice {
  readonly actor: Actor
  readonly giveUp: boolean
  readonly preempts: boolean
}

interface Actor {
  readonly name: string
  readonly code: Generator<Op, unknown, number>
  next: IteratorResult<Op, unknown>
  asleep: boolean
  ghost: boolean
}

/** Far more than any right execution needs: whoever takes more goes round in circles. */
const stepsAtMost = 2_000

export function explore(make: () => Program, limits: Limits): Verdict {
  // Depth first: the choices of the last execution, and how many there were at each point.
  const taken: { index: number; of: number }[] = []
  let executions = 0
  while (true) {
    executions++
    const failure = new Execution(make(), limits).run((depth, options) => {
      const known = taken[depth] ?? { index: 0, of: options }
      taken[depth] = known
      return known.index
    })
    if (failure !== undefined) return { executions, failure }
    let last = taken.at(-1)
    for (; last && last.index + 1 === last.of; last = taken.at(-1)) taken.pop()
    if (!last) return { executions, failure: undefined }
    last.index++
  }
}

class Execution {
  readonly #program: Program
  readonly #limits: Limits
  readonly #actors: Actor[]
  /** Who sleeps on each cell, oldest first. */
  readonly #sleepers = new Map<number, Actor[]>()
  readonly #trace: string[] = []
  #current: Actor | undefined
  #preemptions = 0
  #giveUps = 0

  constructor(program: Program, limits: Limits) {
    this.#program = program
    this.#limits = limits
    this.#actors = program.threads.map((code, i) => ({ name: `${i}`, code, next: code.next(), asleep: false, ghost: false }))
  }

  run(choose: (depth: number, options: number) => number): string | undefined {
    try {
      for (let depth = 0; ; depth++) {
        const choices = this.#choices()
        if (choices.length === 0) break
        if (depth > stepsAtMost) return this.#failed('it goes round in circles')
        const choice = choices[choose(depth, choices.length)] as Choice
        if (choice.preempts) this.#preemptions++
        this.#step(choice)
      }
    } catch (error) {
      return this.#failed(String(error))
    }
    const stuck = this.#actors.filter((actor) => !actor.next.done && !actor.ghost)
    if (stuck.length > 0) return this.#failed(`stuck for ever: ${stuck.map((actor) => actor.name).join(', ')}`)
    const wrong = this.#program.atEnd?.()
    return wrong === undefined ? undefined : this.#failed(wrong)
  }

  #failed(what: string): string {
    return `${what} (after ${this.#trace.join(' ')})`
  }

  #choices(): Choice[] {
    const runs = (actor: Actor): boolean => !actor.asleep && !actor.next.done
    const { preemptions, giveUps = 0 } = this.#limits
    const current = this.#current && runs(this.#current) ? this.#current : undefined
    const choices: Choice[] = current ? [{ actor: current, giveUp: false, preempts: false }] : []
    const preempts = current !== undefined
    if (preempts && this.#preemptions === preemptions) return choices
    for (const actor of this.#actors) {
      if (actor !== current && runs(actor)) choices.push({ actor, giveUp: false, preempts })
      if (actor.asleep && !actor.ghost && this.#giveUps < giveUps) choices.push({ actor, giveUp: true, preempts })
    }
    return choices
  }

  #step({ actor, giveUp }: Choice): void {
    this.#current = actor
    const op = actor.next.value as Op
    this.#trace.push(`${actor.name}:${giveUp ? 'give up' : op.op}`)
    if (giveUp) return this.#giveUp(actor, op.at)
    const { cells } = this.#program
    const before = cells[op.at] as number
    switch (op.op) {
      case 'load':
        return this.#resume(actor, before)
      case 'add':
        cells[op.at] = (before + op.value) | 0
        return this.#resume(actor, before)
      case 'exchange':
        cells[op.at] = op.value
        return this.#resume(actor, before)
      case 'compareExchange':
        if (before === op.expected) cells[op.at] = op.value
        return this.#resume(actor, before)
      case 'wait':
        if (before !== op.expected) return this.#resume(actor, wake.changed)
        actor.asleep = true
        return void this.#lineOf(op.at).push(actor)
      case 'notify':
        return this.#resume(actor, this.#notify(op.at, op.count))
    }
  }

  #resume(actor: Actor, result: number): void {
    actor.asleep = false
    actor.next = actor.code.next(result)
  }

  #notify(at: number, count: number): number {
    const woken = this.#lineOf(at).splice(0, count)
    for (const actor of woken) {
      if (actor.ghost) this.#resume(actor, 0)
      else this.#resume(actor, wake.notified)
    }
    return woken.length
  }

  #giveUp(actor: Actor, at: number): void {
    this.#giveUps++
    const line = this.#lineOf(at)
    const place = line.indexOf(actor)
    if ((this.#limits.givenUp ?? 'leaves') === 'leaves') line.splice(place, 1)
    else line[place] = this.#ghostOf(actor, at)
    this.#resume(actor, wake.gaveUp)
  }

  /** What remains in the line of one who gave up. */
  #ghostOf(actor: Actor, at: number): Actor {
    const passesOn = this.#limits.givenUp === 'passes on'
    function* code(): Generator<Op, void, number> {
      yield { op: 'wait', at, expected: 0 }
      if (passesOn) yield { op: 'notify', at, count: 1 }
    }
    const ghost: Actor = {
      name: `${actor.name}'`,
      code: code(),
      next: { value: undefined, done: true },
      asleep: true,
      ghost: true,
    }
    ghost.next = ghost.code.next()
    this.#actors.push(ghost)
    return ghost
  }

  #lineOf(at: number): Actor[] {
    const known = this.#sleepers.get(at)
    if (known) return known
    const line: Actor[] = []
    this.#sleepers.set(at, line)
    return line
  }
}
