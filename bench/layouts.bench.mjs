/**
 * How far predictions of `heddle plan serve` and `heddle plan train` are from published measurements, by family, and apart for what was fitted and what was
 * not. Rows to judge by are files, because they are other people's:
 * HEDDLE_LAYOUT_ROWS=silicon_sample.csv HEDDLE_LAYOUT_STEPS=llm-foundry-benchmarking.md npm run bench -- layouts
 */
import {
  efficienciesOf,
  fromHuggingFace,
  gpuOf,
  preset,
  steadyState,
  trainingEfficiencies,
  trainingMemory,
  trainingStep,
} from 'heddle/plan'
import { servingRows } from './layouts/serving-rows.mjs'
import { fitted, heldOut } from './layouts/training-rows.mjs'

const table = process.env.HEDDLE_LAYOUT_ROWS
const steps = process.env.HEDDLE_LAYOUT_STEPS
const held = steps === undefined ? [] : heldOut(steps)

/** @param {import('./layouts/training-rows.mjs').Row} row */
function step({ shape: [layers, hidden, heads, words = 51_200], gpu, gpus, sequence, batch, layout }) {
  const model = fromHuggingFace(
    { model_type: 'gpt2', n_layer: layers, n_embd: hidden, n_head: heads, vocab_size: words, tie_word_embeddings: true },
    'gpt',
  )
  const whole = {
    tensor: 1,
    pipeline: 1,
    expert: 1,
    interleave: 1,
    zero: 1,
    microbatch: 1,
    recompute: 'none',
    sequenceParallel: false,
    ...layout,
  }
  const data = gpus / whole.tensor / whole.pipeline
  return {
    model,
    gpu: gpuOf(gpu),
    layout: { ...whole, data },
    precision: 'bf16',
    sequence,
    batch,
    perNode: 8,
    efficiencies: trainingEfficiencies,
  }
}

const models = new Map()
function serve(row) {
  if (!models.has(row.model)) models.set(row.model, preset(row.model))
  const setting = {
    model: models.get(row.model),
    gpu: gpuOf(row.gpu),
    layout: { tensor: row.tensor, pipeline: 1, expert: row.expert, attentionData: 1 },
    numbers: { weights: row.weights, cache: row.weights === 'bf16' ? 'bf16' : 'fp8' },
    engine: row.engine,
    efficiencies: efficienciesOf(row.engine),
  }
  return { row, state: steadyState(setting, row) }
}

/** @param {readonly number[]} ratios predicted over measured */
function errors(ratios) {
  const off = ratios.map((ratio) => Math.abs(ratio - 1) * 100)
  const mean = off.reduce((sum, each) => sum + each, 0) / off.length
  return {
    figure: mean,
    'worst %': Math.max(...off),
    'bias %': (ratios.reduce((sum, each) => sum + each, 0) / ratios.length - 1) * 100,
    rows: off.length,
  }
}

/** Of pairs of layouts with n and 2 n GPUs: is "twice the GPUs gain less than 1.25 ×" said where it is so. */
function doublings(served) {
  const by = groups(served, ({ row }) => `${row.key} ${row.concurrency}`)
  let [both, only, missed, pairs] = [0, 0, 0, 0]
  for (const some of by.values()) {
    for (const { row, state } of some) {
      const twice = some.find((other) => other.row.tensor === 2 * row.tensor)
      if (twice === undefined) continue
      const measured = row.tokenSeconds / twice.row.tokenSeconds < 1.25
      const predicted = state.tokenSeconds / twice.state.tokenSeconds < 1.25
      pairs++
      if (measured && predicted) both++
      else if (predicted) only++
      else if (measured) missed++
    }
  }
  return {
    figure: 100 - (100 * both) / (both + missed),
    'precision %': (100 * both) / (both + only),
    'recall %': (100 * both) / (both + missed),
    rows: pairs,
  }
}

/** Of one to eight GPUs per replica, eight in all and the same requests: is the fastest found, and what does a wrong choice cost. */
function splits(served) {
  let [cases, right, regret] = [0, 0, 0]
  for (const some of groups(served, ({ row }) => row.key).values()) {
    for (let total = 4; total <= 1024; total *= 2) {
      const options = [1, 2, 4, 8].flatMap(
        (tensor) => some.find(({ row }) => row.tensor === tensor && row.concurrency === (total * tensor) / 8) ?? [],
      )
      if (options.length < 2) continue
      const measured = ({ row }) => row.firstTokenSeconds + row.tokenSeconds * row.output
      const predicted = ({ row, state }) => state.firstTokenSeconds + state.tokenSeconds * row.output
      const least = Math.min(...options.map(measured))
      const chosen = options.toSorted((a, b) => predicted(a) - predicted(b))[0]
      cases++
      if (measured(chosen) === least) right++
      regret += 1 - least / measured(chosen)
    }
  }
  return { figure: (100 * regret) / cases, 'right %': (100 * right) / cases, rows: cases }
}

function groups(items, keyOf) {
  const found = new Map()
  for (const item of items) found.set(keyOf(item), [...(found.get(keyOf(item)) ?? []), item])
  return found
}

const training = (rows) => errors(rows.map((row) => trainingStep(step(row)).seconds / row.seconds))
const fits = (rows) => rows.filter((row) => trainingMemory(step(row)).total <= gpuOf(row.gpu).memoryBytes).length

/** @type {Record<string, () => object>} */
const cases = {}
for (const [family, rows] of groups(fitted, ({ family }) => family)) cases[`fitted: steps, ${family}`] = () => training(rows)
for (const [family, rows] of groups(held, ({ family }) => family)) cases[`held out: steps, ${family}`] = () => training(rows)
cases['steps that run and are called infeasible'] = () => ({
  figure: 100 - (100 * fits([...fitted, ...held])) / (fitted.length + held.length),
  rows: fitted.length + held.length,
})
if (table !== undefined) {
  const all = servingRows(table).map(serve)
  const served = all.filter(({ state }) => !state.saturated)
  const ratios = (some) => errors(some.map(({ row, state }) => state.tokenSeconds / row.tokenSeconds))
  for (const [family, some] of groups(served, ({ row }) => `${row.fitted ? 'fitted' : 'held out'}: ${row.family}`)) {
    if (some.length >= 10) cases[family] = () => ratios(some)
  }
  const dense = served.filter(({ row }) => row.dense && !row.fitted)
  cases['held out: time per token, dense models'] = () => ratios(dense)
  cases['held out: time per token, Llama 3.1 70B'] = () => ratios(dense.filter(({ row }) => row.model === 'llama-3.1-70b'))
  cases['held out: doublings not found, dense models'] = () => doublings(dense)
  cases['held out: regret of the split of 8 GPUs, dense models'] = () => splits(dense)
  cases['held out: runs called infeasible'] = () => ({
    figure: (100 * all.filter(({ state }) => state.resident < 1).length) / all.length,
    rows: all.length,
  })
}

/** @type {import('./harness/measure.mjs').Bench} */
export default {
  about: 'predictions of layouts against published measurements',
  unit: '% off, mean',
  reference: 'heddle',
  rounds: 1,
  warmups: 0,
  cases,
  contenders: { heddle: (/** @type {() => object} */ family) => ({ measure: () => family() }) },
  targets: (results) => {
    const target = (/** @type {string} */ name, /** @type {number} */ atMost) => ({
      what: name,
      got: results.median('heddle', name),
      atMost,
    })
    return [
      target('fitted: steps, Megatron-LM, A100', 8),
      target('steps that run and are called infeasible', 2),
      ...(steps === undefined
        ? []
        : [target('held out: steps, MPT, FSDP, a100-40', 8), target('held out: steps, MPT, FSDP, a100-80', 8)]),
      ...(table === undefined
        ? []
        : [
            target('held out: time per token, Llama 3.1 70B', 8),
            target('held out: doublings not found, dense models', 20),
            target('held out: regret of the split of 8 GPUs, dense models', 2),
            target('held out: runs called infeasible', 2),
          ]),
    ]
  },
}
