/**
 * Measures the contenders of one bench against each other.
 *
 * Each lives in a process of its own (harness/host.mjs) and they take turns, round after round, each round starting with
 * another one: what the machine does meanwhile falls on everybody alike, and nobody pays for what another one switched on
 * (a process that uses AsyncLocalStorage has slower promises from then on, a polymorphic call site stays polymorphic). A ratio is the
 * median of the ratios within the rounds, so that drift between rounds cancels out.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'

/**
 * @typedef {object} Subject One contender, ready to be measured.
 * @property {() => unknown} [run] Does the work once; the harness times it, and repeats short runs until the clock can see them.
 * @property {() => number | Measured | Promise<number | Measured>} [measure] Instead of `run`: gives the figure itself, in the bench's unit.
 * @property {number} [rounds] Takes part in the first rounds only, and does not warm up: for who needs minutes for one.
 * @property {() => unknown} [close] Called at the end of its case.
 *
 * @typedef {Readonly<Record<string, number>> & { readonly figure: number }} Measured The figure, and what else was seen, by name.
 *
 * @typedef {object} Target
 * @property {string} what
 * @property {number | undefined} got undefined: not measured here.
 * @property {number} [atMost]
 * @property {number} [atLeast]
 *
 * @typedef {object} Bench
 * @property {string} about One sentence.
 * @property {string} [unit] What a figure means, such as `'ns per call'`; less is better. Default `'ms'`.
 * @property {(ms: number, size: any) => number} [figure] From the milliseconds of one `run` to the unit. Default: as they are.
 * @property {string} reference The contender that the others are compared with.
 * @property {Readonly<Record<string, unknown>>} [cases] Sizes to measure, by name; each is handed to the contenders.
 * @property {Readonly<Record<string, (size: any) => Subject | Absent | undefined | Promise<Subject | Absent | undefined>>>} contenders
 *   Each opens itself for a case; `{ absent: 'why' }` where it is not installed, undefined where it has no part in the case.
 * @property {(value: any, size: any) => void} [check] Throws when what a `run` gave is wrong.
 * @property {(results: Results) => Target[]} [targets]
 * @property {Readonly<Record<string, Bench>>} [variants] Other tables of the same bench, each asked for by a flag of its name: `--full`.
 * @property {number} [rounds] Default 7.
 * @property {number} [warmups] Rounds before the first that counts. Default 2.
 * @property {number} [processes] Processes per contender, one after the other, among which the rounds are divided: where the layout of a
 *   process in memory decides about a hundredth. Default 1.
 *
 * @typedef {{ readonly absent: string }} Absent
 */

/** What was measured: samples by case and contender, and the questions that targets and tables ask of them. */
export class Results {
  /** @type {Map<string, Map<string, Measured[]>>} */
  samples = new Map()
  /** @type {Map<string, string>} */
  absent = new Map()

  /** @param {string} size @param {string} contender @param {Measured} sample */
  add(size, contender, sample) {
    this.samples.get(size)?.get(contender)?.push(sample)
  }

  /** Rows appear in the order in which they are expected. @param {string} size @param {string} contender */
  expect(size, contender) {
    const row = this.samples.get(size) ?? new Map()
    this.samples.set(size, row)
    if (!row.has(contender)) row.set(contender, [])
  }

  /** The samples of one contender, one per round; none where it was not measured. `name`: something else that it reported. */
  of(/** @type {string} */ contender, size = this.#only(), name = 'figure') {
    return (this.samples.get(size)?.get(contender) ?? []).map((sample) => sample[name] ?? Number.NaN)
  }

  /** @param {string} contender @param {string} [size] @param {string} [name] */
  median(contender, size, name) {
    return median(this.of(contender, size, name))
  }

  /** How many times `contender`'s figure is that of `reference`; undefined where one of them was not measured. */
  ratio(/** @type {string} */ contender, /** @type {string} */ reference, /** @type {string | undefined} */ size = undefined) {
    const of = this.of(reference, size)
    return median(this.of(contender, size).map((figure, round) => figure / (of[round] ?? Number.NaN)))
  }

  get sizes() {
    return [...this.samples.keys()]
  }

  #only() {
    return this.sizes[0] ?? ''
  }
}

/** @param {readonly number[]} values */
export function median(values) {
  const sorted = values.filter((value) => !Number.isNaN(value)).sort((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 ? sorted[middle] : sorted.length === 0 ? undefined : (sorted[middle - 1] + sorted[middle]) / 2
}

/**
 * @typedef {object} Choices
 * @property {number | undefined} [rounds]
 * @property {(contender: string) => boolean} [only]
 * @property {(size: string) => boolean} [cases]
 * @property {boolean | undefined} [together] All contenders in one process.
 * @property {string | undefined} [variant] Which of the bench's variants this is.
 * @property {(text: string) => void} [progress]
 */

/**
 * @param {string} name the bench's
 * @param {Bench} bench
 * @param {Choices} [choices]
 */
export async function measure(name, bench, choices = {}) {
  const results = new Results()
  for (const size of Object.keys(bench.cases ?? { '': undefined })) {
    if (choices.cases && !choices.cases(size)) continue
    const [rounds, processes] = [choices.rounds ?? bench.rounds ?? 7, bench.processes ?? 1]
    for (let from = 0; from < rounds; from += Math.ceil(rounds / processes)) {
      const to = Math.min(rounds, from + Math.ceil(rounds / processes))
      await withSubjects(name, bench, size, results, choices, (subjects) =>
        takeTurns(bench, size, subjects, results, { from, to, of: rounds, progress: choices.progress }),
      )
    }
  }
  return results
}

/**
 * Opens the contenders, each in a process of its own, for as long as `use` takes.
 * @param {string} name @param {Bench} bench @param {string} size @param {Results} results @param {Choices} choices
 * @param {(subjects: readonly Turn[]) => Promise<void>} use
 */
async function withSubjects(name, bench, size, results, choices, use) {
  /** @type {Host[]} */
  const hosts = []
  /** @type {Turn[]} */
  const subjects = []
  try {
    for (const contender of Object.keys(bench.contenders).filter(choices.only ?? (() => true))) {
      const host = (choices.together && hosts[0]) || new Host(name, size, choices.variant)
      if (host !== hosts[0]) hosts.push(host)
      const { absent, rounds } = await host.ask({ open: contender }, contender)
      if (absent === undefined) subjects.push({ contender, host, rounds })
      else if (absent !== '') results.absent.set(contender, absent)
    }
    await use(subjects)
  } finally {
    for (const host of hosts) await host.close()
  }
}

/** @typedef {{ contender: string, host: Host, rounds: number | undefined }} Turn */

/** @typedef {{ from: number, to: number, of: number, progress: Choices['progress'] }} Rounds which of how many */

/** @param {Bench} bench @param {string} size @param {readonly Turn[]} subjects @param {Results} results @param {Rounds} rounds */
async function takeTurns(bench, size, subjects, results, { from, to, of, progress }) {
  const warmups = bench.warmups ?? 2
  for (const { contender } of subjects) results.expect(size, contender)
  for (let round = from - warmups; round < to; round++) {
    const warmUp = round < from
    for (let turn = 0; turn < subjects.length; turn++) {
      const { contender, host, rounds: most } = subjects[(turn + round + warmups) % subjects.length]
      if (most !== undefined && (warmUp || round >= most)) continue
      progress?.(`${size} ${warmUp ? 'warm-up' : `round ${round + 1}/${of}`} ${contender}`)
      const { sample } = await host.ask({ sample: contender, warmUp }, contender)
      if (!warmUp) results.add(size, contender, sample)
    }
  }
}

/** A process with contenders, seen from here. */
class Host {
  #child
  #ended

  /** @param {string} name @param {string} size @param {string} [variant] */
  constructor(name, size, variant = '') {
    this.#child = fork(new URL('host.mjs', import.meta.url), [name, size, variant], { serialization: 'advanced' })
    this.#ended = once(this.#child, 'exit')
  }

  /** @param {object} request @param {string} contender @returns {Promise<any>} */
  async ask(request, contender) {
    const answered = once(this.#child, 'message')
    this.#child.send(request)
    const ended = this.#ended.then(([code]) => [{ error: `its process ended with code ${code}` }])
    const [answer] = await Promise.race([answered, ended])
    if (answer.error !== undefined) throw new Error(`${contender}: ${answer.error}`)
    return answer
  }

  async close() {
    if (this.#child.connected) this.#child.send({ close: true })
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), 10_000)
    await this.#ended
    clearTimeout(timer)
  }
}
