/**
 * A genetic algorithm over orders of tasks, with two populations that take turns: the schedules of one begin at the start, those of the other at
 * the end, and each is bred from the other one. So every schedule also is a step of forward-backward improvement (K. Y. Li and
 * R. J. Willis, 1992), and none is made for that alone. After D. Debels and M. Vanhoucke, "A bi-population based genetic algorithm for
 * the resource-constrained project scheduling problem" (2005).
 *
 * State. A member keeps the order in which its tasks end, last first: read from there, it is an order for the other direction. `rank` is the
 * inverse of it. A generation keeps the best of its children and of what was bred in that direction before, each only once.
 *
 * The constants were found on every seventh instance of PSPLIB's J30 and J60 at 1,000 schedules.
 */
import { KeySort, keepingNeeds } from './keys.ts'
import { type Problem, reversed } from './problem.ts'
import { randomFrom } from './random.ts'
import { listByRule, tails } from './sampling.ts'
import { SerialGeneration, type Taken } from './serial.ts'

const population = 40
/** A child takes a stretch of this share of one parent, the rest from the other. */
const [leastStretch, mostStretch] = [0.1, 0.5]
/** Chance of each neighbouring pair to change places. */
const mutation = 0.02

export interface SearchOptions {
  /** How many schedules are made at most; each pass counts, forwards or backwards. */
  readonly schedules: number
  readonly seed: number
  /** What is to be small; the default is the end of the last task. */
  readonly cost?: (ends: Float64Array) => number
  /** No schedule costs less: it ends the search. */
  readonly lower: number
  /** An order to begin with. */
  readonly first?: ArrayLike<number> | undefined
  /** Asked after each schedule. */
  readonly stop?: () => boolean
}

export interface Found {
  readonly starts: Float64Array
  readonly ends: Float64Array
  readonly chosen: readonly (readonly Taken[])[]
  readonly makespan: number
  readonly cost: number
  /** How many schedules were made. */
  readonly schedules: number
}

interface Member {
  readonly cost: number
  /** Decides between equal costs: schedules that are early on the whole are easier to improve. */
  readonly mean: number
  readonly order: Uint32Array
  readonly rank: Uint32Array
}

export function search(problem: Problem, options: SearchOptions): Found {
  return new Search(problem, options).run()
}

class Search {
  readonly #options: SearchOptions
  readonly #problems: readonly [Problem, Problem]
  readonly #generations: readonly [SerialGeneration, SerialGeneration]
  readonly #random: () => number
  readonly #sort: KeySort
  readonly #keys: Float64Array
  /** Whether a schedule from the end is one from the start too. */
  readonly #mirrors: boolean
  #made = 0
  #best: Found | undefined

  constructor(problem: Problem, options: SearchOptions) {
    this.#options = options
    this.#problems = [problem, reversed(problem)]
    this.#generations = [new SerialGeneration(this.#problems[0]), new SerialGeneration(this.#problems[1])]
    this.#random = randomFrom(options.seed)
    this.#sort = new KeySort(problem.size)
    this.#keys = new Float64Array(problem.size)
    this.#mirrors = !problem.hasCalendars && options.cost === undefined && problem.release.every((release) => release === 0)
  }

  run(): Found {
    const [problem] = this.#problems
    const urgency = tails(problem)
    const { first } = this.#options
    let parents: Member[] = []
    if (first) parents.push(this.#make(0, keepingNeeds(problem, Uint32Array.from(first))))
    while (parents.length < population && !this.#done()) {
      const random = parents.length === (first ? 1 : 0) ? undefined : this.#random
      parents.push(this.#make(0, listByRule(problem, urgency, random)))
    }
    let before: Member[] = []
    for (let direction: 0 | 1 = 1; !this.#done(); direction = direction === 0 ? 1 : 0) {
      const children: Member[] = []
      for (const parent of parents) {
        if (this.#done()) break
        children.push(this.#make(direction, this.#child(parents, parent, direction)))
      }
      const next = fittest([...before, ...children])
      before = parents
      parents = next
    }
    return { ...(this.#best as Found), schedules: this.#made }
  }

  #done(): boolean {
    if (!this.#best) return false
    const { schedules, lower, stop } = this.#options
    return this.#made >= schedules || this.#best.cost <= lower || stop?.() === true
  }

  #make(direction: 0 | 1, order: ArrayLike<number>): Member {
    const generation = this.#generations[direction]
    const makespan = generation.generate(order)
    this.#made++
    const { ends } = generation
    const cost = direction === 0 ? (this.#options.cost?.(ends) ?? makespan) : makespan
    if ((direction === 0 || this.#mirrors) && (!this.#best || cost < this.#best.cost)) this.#keep(direction, cost)
    const { size } = this.#problems[0]
    let sum = 0
    for (let t = 0; t < size; t++) {
      const end = ends[t] as number
      sum += end
      this.#keys[size - 1 - t] = makespan - end
    }
    const next = this.#legal(direction === 0 ? 1 : 0, this.#sort.orderOf(this.#keys))
    const rank = new Uint32Array(size)
    for (let i = 0; i < size; i++) rank[next[i] as number] = i
    return { cost, mean: sum / size, order: next, rank }
  }

  #keep(direction: 0 | 1, cost: number): void {
    const { starts, ends, chosen, makespan } = this.#generations[direction]
    const turned = (times: Float64Array): Float64Array => times.map((time) => makespan - time).reverse()
    this.#best = {
      starts: direction === 0 ? starts.slice() : turned(ends),
      ends: direction === 0 ? ends.slice() : turned(starts),
      chosen: direction === 0 ? chosen.slice() : chosen.slice().reverse(),
      makespan,
      cost,
      schedules: 0,
    }
  }

  #legal(direction: 0 | 1, order: Uint32Array): Uint32Array {
    const problem = this.#problems[direction]
    return problem.plain ? order : keepingNeeds(problem, order)
  }

  #child(parents: readonly Member[], father: Member, direction: 0 | 1): Uint32Array {
    const mother = this.#mother(parents, father)
    const size = father.order.length
    const length = Math.floor(size * (leastStretch + this.#random() * (mostStretch - leastStretch)))
    const from = Math.floor(this.#random() * (size - length + 1))
    const keys = this.#keys
    // What the father does before, in and after the stretch stays there; outside of it the mother says in which order.
    for (let t = 0; t < size; t++) {
      const rank = father.rank[t] as number
      keys[t] =
        rank < from ? (mother.rank[t] as number) : rank < from + length ? size + rank : 2 * size + (mother.rank[t] as number)
    }
    const child = this.#sort.orderOf(keys)
    this.#mutate(child, direction)
    return this.#legal(direction, child)
  }

  /** The better of two, and not the father himself if that can be helped. */
  #mother(parents: readonly Member[], father: Member): Member {
    const draw = (): Member => parents[Math.floor(this.#random() * parents.length)] as Member
    const [a, b] = [draw(), draw()]
    const better = isFitter(b, a) ? b : a
    return better === father ? draw() : better
  }

  #mutate(order: Uint32Array, direction: 0 | 1): void {
    const { dag } = this.#problems[direction]
    for (let i = 0; i + 1 < order.length; i++) {
      if (this.#random() >= mutation) continue
      const [task, next] = [order[i] as number, order[i + 1] as number]
      let needed = false
      for (let e = dag.needStart[next] as number; e < (dag.needStart[next + 1] as number); e++)
        if (dag.needs[e] === task) needed = true
      if (needed) continue
      order[i] = next
      order[i + 1] = task
    }
  }
}

function isFitter(a: Member, b: Member): boolean {
  return a.cost < b.cost || (a.cost === b.cost && a.mean < b.mean)
}

function fittest(members: Member[]): Member[] {
  members.sort((a, b) => a.cost - b.cost || a.mean - b.mean)
  const kept: Member[] = []
  for (const member of members) {
    if (kept.length === population) break
    const last = kept.at(-1)
    const same =
      last && last.cost === member.cost && last.mean === member.mean && last.order.every((task, i) => task === member.order[i])
    if (!same) kept.push(member)
  }
  return kept
}
