/** `heddle plan serve` and `heddle plan train`: which layout of GPUs for which model. */
import { readFileSync, writeFileSync } from 'node:fs'
import { FileRefused, InvalidOption } from '../../../base/errors.ts'
import { messageOf } from '../../../base/look.js'
import type { Invocation } from '../../interface/command-spec.ts'
import { exitCodes } from '../../interface/exit-codes.ts'
import { UsageError } from '../../interface/usage-error.ts'
import { forbidColor } from '../../terminal/paint.ts'
import { say, sayJson } from '../../terminal/say.ts'

export function serve({ options }: Invocation): Promise<number> {
  return asUsage(() => planServe(options))
}

export function train({ options }: Invocation): Promise<number> {
  return asUsage(() => planTrain(options))
}

/** The reader can mend a wrong request: no stack of heddle is shown. */
async function asUsage(run: () => Promise<number>): Promise<number> {
  try {
    return await run()
  } catch (error) {
    if (!(error instanceof InvalidOption || error instanceof FileRefused)) throw error
    throw new UsageError(error.message, { hint: error.hint, cause: error })
  }
}

async function planServe(options: Given): Promise<number> {
  if (options['no-color'] === true) forbidColor()
  if (typeof options.compare === 'string') return compare(options.compare, options)
  const { calibrateServing, planServing } = await import('../../../plan/index.ts')
  const { serveJson, serveSvg, serveText } = await import('../../../plan/layouts/report/index.ts')
  const request = {
    ...common(options),
    input: needed(options, 'input', 'the mean number of tokens of a prompt'),
    output: needed(options, 'output', 'the mean number of tokens of an answer'),
  }
  const table = options.calibrate
  const calibration = typeof table === 'string' ? calibrateServing(request, textOf(table), table) : undefined
  const plan = planServing({ ...request, ...(calibration && { calibration }) })
  if (typeof options.svg === 'string') writePicture(options.svg, serveSvg(plan))
  if (options.json === true) sayJson(process.stdout, JSON.stringify({ ...serveJson(plan), calibration }, null, 2))
  else say(process.stdout, ...serveText(plan.request, plan, plan))
  return plan.best === undefined ? exitCodes.failed : exitCodes.ok
}

async function compare(file: string, options: Given): Promise<number> {
  const { calibrateServing, compareServing } = await import('../../../plan/index.ts')
  const { compareText } = await import('../../../plan/layouts/report/index.ts')
  const request = common(options)
  const table = options.calibrate
  const calibration =
    typeof table === 'string' ? calibrateServing({ ...request, input: 1, output: 1 }, textOf(table), table) : undefined
  const comparisons = compareServing({ ...request, ...(calibration && { calibration }) }, textOf(file), file)
  if (options.json === true) sayJson(process.stdout, JSON.stringify(comparisons, null, 2))
  else say(process.stdout, ...compareText(comparisons))
  return exitCodes.ok
}

/** What planning and comparing take alike. */
function common(options: Given) {
  return {
    ...hardware(options),
    ...numbers(options, { rate: 'rate', concurrency: 'concurrency' }),
    ...words(options, ['ttft', 'tpot', 'engine', 'weights', 'kv']),
    only: numbers(options, {
      replicas: 'replicas',
      tensor: 'tensor',
      pipeline: 'pipeline',
      expert: 'expert',
      attentionData: 'attention-data',
    }),
  }
}

async function planTrain(options: Given): Promise<number> {
  if (options['no-color'] === true) forbidColor()
  const { planTraining } = await import('../../../plan/index.ts')
  const { trainJson, trainSvg, trainText } = await import('../../../plan/layouts/report/index.ts')
  const zero = number(options, 'zero')
  const plan = planTraining({
    ...hardware(options),
    batch: needed(options, 'batch', 'the sequences of a step, all GPUs together'),
    ...numbers(options, { sequence: 'sequence', tokens: 'tokens' }),
    ...words(options, ['precision']),
    only: {
      ...numbers(options, { tensor: 'tensor', pipeline: 'pipeline', expert: 'expert', microbatch: 'microbatch' }),
      ...words(options, ['recompute']),
      ...(zero === undefined ? {} : { zero: zero as 0 | 1 | 2 | 3 }),
    },
  })
  if (typeof options.svg === 'string') writePicture(options.svg, trainSvg(plan))
  if (options.json === true) sayJson(process.stdout, JSON.stringify(trainJson(plan), null, 2))
  else say(process.stdout, ...trainText(plan.request, plan, plan))
  return plan.best === undefined ? exitCodes.failed : exitCodes.ok
}

type Given = Invocation['options']

function writePicture(path: string, svg: string): void {
  try {
    writeFileSync(path, svg)
  } catch (error) {
    throw new UsageError(`${path} cannot be written: ${messageOf(error)}`, { cause: error })
  }
}

function hardware(options: Given): { model: string | Record<string, unknown>; gpu: string } {
  const { model, gpu } = options
  if (typeof model !== 'string') {
    throw new UsageError('heddle plan needs a model', {
      hint: 'Give --model with a preset, such as llama-3.1-70b, or a Hugging Face config.json.',
    })
  }
  if (typeof gpu !== 'string') throw new UsageError('heddle plan needs a GPU', { hint: 'Give --gpu, such as h100-sxm.' })
  return { model: modelOf(model), gpu, ...numbers(options, { nodes: 'nodes', perNode: 'per-node', price: 'price' }) }
}

/** What looks like a path is a file. */
function modelOf(model: string): string | Record<string, unknown> {
  if (!/[\\/]|\.json$/.test(model)) return model
  const text = textOf(model)
  try {
    return { _name_or_path: model, ...(JSON.parse(text) as Record<string, unknown>) }
  } catch (cause) {
    throw new FileRefused(`${model} is not JSON: ${messageOf(cause)}`, {
      cause,
      hint: "Give the config.json from the model's page.",
    })
  }
}

/** @throws {FileRefused} */
function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new FileRefused(`Cannot read ${file}: ${messageOf(cause)}`, { cause })
  }
}

/** @throws {UsageError} when it is not a number */
function number(options: Given, name: string): number | undefined {
  const text = options[name]
  if (typeof text !== 'string') return undefined
  const value = Number(text.replaceAll('_', ''))
  if (text.trim() !== '' && Number.isFinite(value)) return value
  throw new UsageError(`Expected --${name} to be a number, got ${JSON.stringify(text)}`)
}

function needed(options: Given, name: string, what: string): number {
  const value = number(options, name)
  if (value === undefined) throw new UsageError(`heddle plan needs --${name}: ${what}`)
  return value
}

function numbers<K extends string>(options: Given, names: Readonly<Record<K, string>>): Partial<Record<K, number>> {
  const given: Partial<Record<K, number>> = {}
  for (const key of Object.keys(names) as K[]) {
    const value = number(options, names[key])
    if (value !== undefined) given[key] = value
  }
  return given
}

/** Values that are checked where they are used. */
function words<K extends string>(options: Given, names: readonly K[]): Partial<Record<K, never>> {
  return Object.fromEntries(
    names.flatMap((name) => (typeof options[name] === 'string' ? [[name, options[name]]] : [])),
  ) as Partial<Record<K, never>>
}
