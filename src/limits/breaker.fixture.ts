/**
 * The circuit breaker against a model of it, in random sequences of calls, outcomes and pauses. For the short tests and the long ones.
 */
import * as fc from 'fast-check'
import { assert } from 'vitest'
import { SimulatedClock } from '../base/clock.ts'
import { CircuitOpen } from '../base/errors.ts'
import { CircuitBreaker, type Verdict } from './breaker.ts'

interface Setting {
  readonly consecutive: number
  readonly failureRate: number | undefined
  readonly over: number
  readonly minimum: number
  readonly reset: number
  readonly probes: number
  readonly probeTimeout: number
}

/**
 * The breaker written down a second time, without any cleverness: a list of all that ever happened, and every question
 * answered by looking through it.
 */
class Model {
  now = 0
  readonly setting: Setting
  /** Calls under way, by the number under which the real breaker and this one know them. */
  readonly calls = new Map<
    number,
    { readonly pass: number; readonly era: number; readonly since: number; readonly probe: boolean }
  >()
  /** What came after every change of state; the last entry is the present state. */
  eras: { state: 'closed' | 'open' | 'half-open'; since: number; outcomes: boolean[]; successes: number }[] = [
    { state: 'closed', since: 0, outcomes: [], successes: 0 },
  ]
  readonly openings: number[] = []
  #lastCall = 0

  constructor(setting: Setting) {
    this.setting = setting
  }

  get era() {
    return this.eras[this.eras.length - 1] as Model['eras'][number]
  }

  /** Probes that hold a place: of this era, not settled, not too old. */
  probesUnderWay(): number {
    return [...this.calls.values()].filter(
      (call) => call.probe && call.era === this.eras.length && this.now - call.since < this.setting.probeTimeout,
    ).length
  }

  admits(): boolean {
    if (this.era.state === 'open' && this.now - this.era.since >= this.setting.reset) this.turn('half-open')
    return this.era.state === 'closed' || (this.era.state === 'half-open' && this.probesUnderWay() < this.setting.probes)
  }

  enter(pass: number): void {
    this.calls.set(++this.#lastCall, { pass, era: this.eras.length, since: this.now, probe: this.era.state === 'half-open' })
  }

  settle(call: number, verdict: Verdict): void {
    const { era, since, probe } = this.calls.get(call) as { era: number; since: number; probe: boolean }
    this.calls.delete(call)
    if (era !== this.eras.length || verdict === 'unknown') return
    if (probe && this.now - since >= this.setting.probeTimeout) return
    if (!probe) {
      this.era.outcomes.push(verdict === 'failure')
      if (verdict === 'failure' && this.#tooMany(this.era.outcomes)) this.turn('open')
      return
    }
    if (verdict === 'failure') this.turn('open')
    else if (++this.era.successes >= this.setting.probes) this.turn('closed')
  }

  turn(state: 'closed' | 'open' | 'half-open'): void {
    this.eras.push({ state, since: this.now, outcomes: [], successes: 0 })
    if (state === 'open') this.openings.push(this.now)
  }

  #tooMany(outcomes: readonly boolean[]): boolean {
    const { consecutive, failureRate, over, minimum } = this.setting
    const inARow = outcomes.length - 1 - outcomes.lastIndexOf(false)
    if (inARow >= consecutive) return true
    const recent = outcomes.slice(-over)
    return failureRate !== undefined && outcomes.length >= minimum && recent.filter(Boolean).length > failureRate * recent.length
  }
}

class Real {
  readonly clock = new SimulatedClock()
  readonly breaker: CircuitBreaker

  constructor(setting: Setting) {
    const { failureRate, ...rest } = setting
    this.breaker = new CircuitBreaker({ ...rest, ...(failureRate !== undefined && { failureRate }) }, this.clock)
  }

  enter(): number | undefined {
    try {
      return this.breaker.enter()
    } catch (error) {
      assert.instanceOf(error, CircuitOpen)
      return undefined
    }
  }
}

type Command = fc.Command<Model, Real>

function agree(model: Model, real: Real): void {
  const { state, since } = model.era
  const shown = state === 'open' && model.now - since >= model.setting.reset ? 'half-open' : state
  assert.equal(real.breaker.state, shown)
  assert.equal(real.breaker.opened, model.openings.length)
  assert.isAtMost(model.probesUnderWay(), model.setting.probes)
  const last = model.openings.slice(-2)
  if (last.length === 2) assert.isAtLeast((last[1] as number) - (last[0] as number), model.setting.reset)
}

class Enter implements Command {
  check = (): boolean => true
  toString = (): string => 'enter'
  run(model: Model, real: Real): void {
    const pass = real.enter()
    assert.equal(pass !== undefined, model.admits())
    if (pass !== undefined) model.enter(pass)
    agree(model, real)
  }
}

class Check implements Command {
  check = (): boolean => true
  toString = (): string => 'check'
  run(model: Model, real: Real): void {
    const before = real.breaker.state
    const refused = (): boolean => {
      try {
        real.breaker.check()
        return false
      } catch {
        return true
      }
    }
    const { state, since } = model.era
    const waits = state === 'open' && model.now - since < model.setting.reset
    assert.equal(refused(), waits || (state === 'half-open' && model.probesUnderWay() >= model.setting.probes))
    assert.equal(real.breaker.state, before)
  }
}

class Settle implements Command {
  readonly #which: number
  readonly #verdict: Verdict

  constructor(which: number, verdict: Verdict) {
    this.#which = which
    this.#verdict = verdict
  }

  check = (model: Readonly<Model>): boolean => model.calls.size > 0
  toString = (): string => `settle(${this.#which}, ${this.#verdict})`

  run(model: Model, real: Real): void {
    const numbers = [...model.calls.keys()]
    const call = numbers[this.#which % numbers.length] as number
    real.breaker.settle((model.calls.get(call) as { pass: number }).pass, this.#verdict)
    model.settle(call, this.#verdict)
    agree(model, real)
  }
}

class Wait implements Command {
  readonly #ms: number

  constructor(ms: number) {
    this.#ms = ms
  }

  check = (): boolean => true
  toString = (): string => `wait(${this.#ms})`

  run(model: Model, real: Real): void {
    model.now += this.#ms
    real.clock.schedule(this.#ms, () => {})
    while (real.clock.now() < model.now) real.clock.step()
    agree(model, real)
  }
}

const settings: fc.Arbitrary<Setting> = fc.record({
  consecutive: fc.integer({ min: 1, max: 6 }),
  failureRate: fc.option(fc.constantFrom(0, 0.25, 0.5, 0.9), { nil: undefined }),
  over: fc.integer({ min: 1, max: 8 }),
  minimum: fc.integer({ min: 1, max: 4 }),
  reset: fc.constantFrom(10, 50, 100),
  probes: fc.integer({ min: 1, max: 3 }),
  probeTimeout: fc.constantFrom(10, 50, 200),
})

const commands = fc.commands(
  [
    fc.constant(new Enter()),
    fc.constant(new Enter()),
    fc.constant(new Check()),
    fc
      .tuple(fc.nat(5), fc.constantFrom<Verdict>('failure', 'failure', 'success', 'unknown'))
      .map(([which, verdict]) => new Settle(which, verdict)),
    fc.constantFrom(1, 10, 49, 50, 100, 200).map((ms) => new Wait(ms)),
  ],
  { maxCommands: 50, size: 'max' },
)

/** How many sequences reached what they are for. */
export interface Reached {
  readonly halfOpen: number
  readonly reopened: number
}

/** @throws where breaker and model differ */
export function breakerAgainstModel(numRuns: number): Reached {
  let halfOpen = 0
  let reopened = 0
  fc.assert(
    fc.property(settings, commands, (setting, sequence) => {
      const model = new Model({ ...setting, minimum: Math.min(setting.minimum, setting.over) })
      fc.modelRun(() => ({ model, real: new Real(model.setting) }), sequence)
      if (model.eras.some((era) => era.state === 'half-open')) halfOpen++
      if (model.openings.length > 1) reopened++
    }),
    { numRuns },
  )
  return { halfOpen, reopened }
}
