/**
 * The whole protocol as a game of events: one client, a few machines, a store with BullMQ's locks, and everything that goes wrong between them. Each seed is
 * one game; what is checked after every step holds whatever happens.
 */
import { expect, test } from 'vitest'
import { type Random, randomFrom } from '../../../test/support/random.ts'
import { admit } from './admission.ts'
import { lockMs } from './constants.ts'
import { Lease } from './lease.ts'
import { Ledger, type Range, type Verdict } from './ledger.ts'
import { type Outcome, wireVersion } from './message.ts'

interface Job extends Range {
  readonly number: number
  state: 'wait' | 'active' | 'done'
  token: number
  lockUntil: number
  suspected: boolean
  stalls: number
  /** How often it had stalled when it last began with nothing beside it. */
  aloneAt: number | undefined
  outcome: Outcome | undefined
}

interface Held {
  readonly job: Job
  readonly token: number
  readonly lease: Lease
  /** It begins when nothing else is on its machine. */
  readonly alone: boolean
  begun: number
  readonly finished: number[]
}

/** Batches of one machine at once. */
const places = 2

interface Machine {
  readonly name: string
  alive: boolean
  /** SIGSTOP, or a network that is gone: until then it neither works nor hears. */
  stoppedUntil: number
  cutOffUntil: number
  draining: boolean
  held: Held[]
}

interface Game {
  readonly items: number
  readonly again: boolean
  readonly poison: ReadonlySet<number>
  /** Chance of each fault in each step. */
  readonly faults: number
}

class Simulation {
  now = 0
  readonly jobs = new Map<number, Job>()
  readonly machines: Machine[] = []
  readonly runs: number[]
  readonly settled: (string | undefined)[]
  readonly #game: Game
  readonly #random: Random
  readonly #ledger: Ledger
  #next = 0
  #tokens = 0
  #cancelled = false
  readonly #resend: Range[] = []

  constructor(game: Game, random: Random) {
    this.#game = game
    this.#random = random
    this.#ledger = new Ledger(game.again)
    this.runs = Array.from({ length: game.items }, () => 0)
    this.settled = Array.from({ length: game.items })
    for (let i = 0; i < 3; i++) this.#hire()
  }

  play(steps: number): void {
    for (let i = 0; i < steps; i++) this.#step(true)
    // Faults end; then everything must.
    for (let i = 0; i < 20_000 && this.settled.some((end) => end === undefined); i++) this.#step(false)
  }

  #below(n: number): number {
    return Math.floor(this.#random.next() * n)
  }

  #hire(): void {
    this.machines.push({
      name: `m${this.machines.length}`,
      alive: true,
      stoppedUntil: 0,
      cutOffUntil: 0,
      draining: false,
      held: [],
    })
  }

  #step(faulty: boolean): void {
    // Without faults nobody is so slow that it loses its lock.
    this.now += this.#below(faulty ? 800 : 100)
    if (this.machines.filter((machine) => machine.alive && !machine.draining).length < 2) this.#hire()
    const machine = this.#random.pick(this.machines.filter(({ alive }) => alive))
    if (faulty && this.#random.next() < this.#game.faults) this.#fault(machine)
    this.#send()
    if (machine.alive && machine.stoppedUntil <= this.now) this.#work(machine)
    if (this.#random.next() < 0.3) this.#stalledCheck()
    // Half of the events are lost; the client asks now and then.
    for (const job of this.jobs.values()) if (job.state === 'done' && this.#random.next() < 0.5) this.#hear(job)
  }

  #fault(machine: Machine): void {
    const kind = this.#below(6)
    if (kind === 0) machine.alive = false
    if (kind === 1) machine.stoppedUntil = this.now + this.#below(60_000)
    if (kind === 2) machine.cutOffUntil = this.now + this.#below(60_000)
    if (kind === 3) machine.draining = true
    if (kind === 4) this.#hire()
    if (kind === 5 && this.#random.next() < 0.05) this.#cancel()
  }

  #cancel(): void {
    this.#cancelled = true
    this.#ledger.cancel()
    for (const job of [...this.jobs.values()].filter(({ state }) => state === 'wait')) {
      this.jobs.delete(job.number)
      this.#apply(job, this.#ledger.recalled(job.number))
    }
    for (const range of this.#resend.splice(0)) for (let i = 0; i < range.count; i++) this.#settle(range.first + i, 'skipped')
    while (this.#next < this.#game.items) this.#settle(this.#next++, 'skipped')
  }

  #send(): void {
    while (this.#ledger.batches < 6 && (this.#resend.length > 0 || this.#next < this.#game.items)) {
      const count = Math.min(1 + this.#below(8), this.#game.items - this.#next)
      const range = this.#resend.shift() ?? { first: this.#next, count, losses: 0 }
      if (range.first === this.#next) this.#next += range.count
      const number = this.#ledger.send(range, 1)
      this.jobs.set(number, {
        ...range,
        number,
        state: 'wait',
        token: 0,
        lockUntil: 0,
        suspected: false,
        stalls: 0,
        aloneAt: undefined,
        outcome: undefined,
      })
    }
  }

  #reaches(machine: Machine): boolean {
    return machine.cutOffUntil <= this.now
  }

  #work(machine: Machine): void {
    const free = machine.held.length < places && !machine.held.some(({ alone }) => alone)
    if (machine.held.length === 0 || (free && this.#random.next() < 0.5)) return this.#fetch(machine)
    const held = this.#random.pick(machine.held)
    if (held.lease.lost(this.now)) {
      this.#letGo(machine, held)
      return
    }
    // The fence holds: whoever may go on owns the lock.
    if (held.job.token !== held.token || held.job.state !== 'active')
      throw new Error('a machine goes on with a batch of somebody else')
    if (this.#reaches(machine) && this.#random.next() < 0.5) {
      held.job.lockUntil = this.now + lockMs
      held.job.suspected = false
      held.lease.renew(this.now)
    }
    if (held.alone && machine.held.length > 1) return
    if (held.alone && held.begun === 0) held.job.aloneAt = held.job.stalls
    if (held.begun < held.job.count && !machine.draining) {
      const item = held.job.first + held.begun++
      this.runs[item] = (this.runs[item] as number) + 1
      if (this.#game.poison.has(item)) machine.alive = false
      else held.finished.push(item - held.job.first)
    } else if (this.#reaches(machine)) {
      const { job, finished, begun } = held
      this.#complete(machine, held, {
        v: wireVersion,
        kind: 'done',
        worker: machine.name,
        tookMs: 1,
        values: finished,
        at: finished,
        returned: Array.from({ length: job.count - begun }, (_, i) => begun + i),
      })
    }
  }

  #fetch(machine: Machine): void {
    const job = [...this.jobs.values()].find(({ state }) => state === 'wait')
    if (!job || machine.draining || !this.#reaches(machine)) return
    job.state = 'active'
    job.token = ++this.#tokens
    job.lockUntil = this.now + lockMs
    const { losses, stalls, aloneAt } = job
    const admission = admit({ again: this.#game.again, losses, stalls, aloneAt, run: this.#cancelled ? 'cancelled' : 'alive' })
    const alone = admission === 'alone'
    const held: Held = { job, token: job.token, lease: new Lease(this.now), alone, begun: 0, finished: [] }
    machine.held.push(held)
    if (admission !== 'run' && !alone)
      this.#complete(machine, held, { v: wireVersion, kind: admission, worker: machine.name, losses: losses + stalls })
  }

  #letGo(machine: Machine, held: Held): void {
    machine.held = machine.held.filter((other) => other !== held)
  }

  #complete(machine: Machine, held: Held, outcome: Outcome): void {
    this.#letGo(machine, held)
    if (held.job.token !== held.token || held.job.lockUntil < this.now || held.job.state !== 'active') return
    held.job.state = 'done'
    held.job.outcome = outcome
  }

  #stalledCheck(): void {
    for (const job of this.jobs.values()) {
      if (job.state !== 'active') continue
      if (job.suspected && job.lockUntil < this.now) Object.assign(job, { state: 'wait', token: 0, stalls: job.stalls + 1 })
      job.suspected = job.state === 'active'
    }
  }

  #hear(job: Job): void {
    this.jobs.delete(job.number)
    const outcome = job.outcome as Outcome
    this.#apply(job, this.#ledger.settle(job.number, outcome), outcome)
    // The same said again changes nothing.
    if (this.#ledger.settle(job.number, outcome)) throw new Error('a batch was settled twice')
  }

  #apply(job: Job, verdict: Verdict | undefined, outcome?: Outcome): void {
    if (!verdict) return
    for (const { first, from, count } of verdict.succeeded) {
      for (let i = 0; i < count; i++) {
        // The result is that of the item.
        if (outcome?.kind === 'done' && outcome.values[from + i] !== first + i - job.first)
          throw new Error('a result of another item')
        this.#settle(first + i, 'done')
      }
    }
    for (const item of verdict.lost) this.#settle(item, 'lost')
    for (const item of verdict.skipped) this.#settle(item, 'skipped')
    this.#resend.push(...verdict.resend)
  }

  #settle(item: number, end: string): void {
    if (this.settled[item] !== undefined) throw new Error('an item was settled twice')
    this.settled[item] = end
  }
}

const seeds = Number(process.env['FLEET_SEEDS'] ?? 500)

test.each([true, false])('machines that die, stop, lose the network and drain: everything settles once (again: %s)', (again) => {
  for (let seed = 1; seed <= seeds; seed++) {
    const simulation = new Simulation({ items: 40, again, poison: new Set(), faults: 0.1 }, randomFrom(seed))
    try {
      simulation.play(200)
      expect(simulation.settled.filter((end) => end === undefined)).toEqual([])
      // What is recorded has run; what may not run again has run once at most.
      const wrong = simulation.settled.filter((end, item) => {
        const runs = simulation.runs[item] as number
        return (end === 'done' && runs === 0) || (!again && runs > 1)
      })
      expect(wrong).toEqual([])
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error })
    }
  }
})

test('an item that takes its machine down is found, and its neighbours are not lost', () => {
  for (let seed = 1; seed <= seeds / 4; seed++) {
    const random = randomFrom(seed)
    const poison = new Set([random.below(40)])
    const simulation = new Simulation({ items: 40, again: true, poison, faults: 0 }, random)
    simulation.play(0)
    expect(
      simulation.settled.map((end, item) => (end === 'done' ? undefined : item)).filter((item) => item !== undefined),
      `seed ${seed}`,
    ).toEqual([...poison])
  }
})

test('without faults everything runs once', () => {
  for (let seed = 1; seed <= seeds / 4; seed++) {
    const simulation = new Simulation({ items: 60, again: false, poison: new Set(), faults: 0 }, randomFrom(seed))
    simulation.play(0)
    expect(simulation.runs, `seed ${seed}`).toEqual(Array.from({ length: 60 }, () => 1))
    expect(new Set(simulation.settled)).toEqual(new Set(['done']))
    expect(simulation.jobs.size).toBe(0)
  }
})
