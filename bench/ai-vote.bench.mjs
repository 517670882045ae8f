/**
 * Self-consistency with 16 samples: how many samples early stopping saves, and what it costs in accuracy. SIMULATED: samples are
 * drawn, no model is asked. Six questions of ten are easy (a sample is right 95 times of 100), a quarter is middling (70), the rest hard
 * (35); wrong answers fall on four others, the first of them most often.
 */
import { vote } from 'heddle/ai'

const questions = 4_000
const n = 16

/** mulberry32 (T. Ettinger), in [0, 1). @param {number} seed */
function random(seed) {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

const accuracies = Array.from({ length: questions }, (_, i) => (i % 20 < 12 ? 0.95 : i % 20 < 17 ? 0.7 : 0.35))

/** The answer of the sample with that index: always the same one. 0 is right. @param {number} question @param {number} index */
function answer(question, index) {
  const draw = random(question * 7_919 + index * 104_729 + 1)
  draw()
  if (draw() < (accuracies[question] ?? 0)) return 0
  const wrong = draw()
  return wrong < 0.5 ? 1 : wrong < 0.75 ? 2 : wrong < 0.9 ? 3 : 4
}

/** @param {number | 'decided' | 'all'} until */
function contender(until) {
  return () => ({
    measure: async () => {
      let [samples, right] = [0, 0]
      for (let question = 0; question < questions; question++) {
        const result = await vote(async ({ index }) => answer(question, index), { n, until })
        samples += result.samples
        if (result.winner === 0) right++
      }
      return { figure: samples / questions, 'accuracy %': (right / questions) * 100 }
    },
  })
}

/** @type {import('./harness/measure.mjs').Bench} */
export default {
  about: `vote of ${n}: samples per question (simulated)`,
  unit: 'samples',
  reference: 'all samples',
  rounds: 1,
  warmups: 0,
  contenders: {
    'all samples': contender('all'),
    'until decided': contender('decided'),
    'until 0.95': contender(0.95),
    'until 0.9 (default)': contender(0.9),
  },
  targets: (results) => [
    { what: 'samples saved, %', got: saved(results.ratio('until 0.9 (default)', 'all samples')), atLeast: 60 },
    {
      what: 'accuracy lost, points',
      got: difference(
        results.median('all samples', undefined, 'accuracy %'),
        results.median('until 0.9 (default)', undefined, 'accuracy %'),
      ),
      atMost: 0.5,
    },
  ],
}

/** @param {number | undefined} ratio */
function saved(ratio) {
  return ratio === undefined ? undefined : (1 - ratio) * 100
}

/** @param {number | undefined} a @param {number | undefined} b */
function difference(a, b) {
  return a === undefined || b === undefined ? undefined : a - b
}
