/** `heddle plan FILE`: how long a plan takes one after the other, as dependencies allow, and with the people and machines that there are. */
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { InvalidPlan, type PlanFormat, planFormats, type PlanOptions, type Project, type Samples } from '../../plan/index.ts'
import type { Invocation } from '../interface/command-spec.ts'
import { exitCodes } from '../interface/exit-codes.ts'
import { UsageError } from '../interface/usage-error.ts'
import { forbidColor } from '../terminal/paint.ts'
import { readable, safeText } from '../../base/readable.ts'
import { say, sayJson } from '../terminal/say.ts'
import { columnsOf } from '../terminal/wrap.ts'

export async function command(invocation: Invocation): Promise<number> {
  const { positionals, options } = invocation
  const [file = ''] = positionals
  // Layouts of GPUs for a model; a plan of that name is written ./serve.
  if (file === 'serve' || file === 'train') return (await import('./plan/layouts.ts'))[file](invocation)
  if (options['no-color'] === true) forbidColor()
  const { assess, exportPlan, plan, planExports, planText } = await import('../../plan/index.ts')
  const given = await read(file, options)
  const project = typeof options.learn === 'string' ? await learned(given, options.learn) : given
  const settings = settingsOf(options)
  const planned = usable(file, () => plan(project, settings))
  const form = planExports.find((name) => name === options.export)
  if (form) return write(exportPlan(planned, form), options.output)
  if (options.output !== undefined)
    throw new UsageError('--output needs a format', {
      hint: `heddle plan --export html --output ${String(options.output)} ${file}`,
    })
  const assessment = assess(planned, settings.seed === undefined ? {} : { seed: settings.seed })
  const { stdout } = process
  if (options.json === true) sayJson(stdout, JSON.stringify({ ...planned.report, ...assessment }, null, 2))
  else say(stdout, planText(planned, columnsOf(stdout), assessment))
  return exitCodes.ok
}

/** Files that hold no durations are left out; that none does is an error. */
async function learned(project: Project, path: string): Promise<Project> {
  const { learn, samplesOfJson, samplesOfTrace } = await import('../../plan/index.ts')
  const { readTrace } = await import('../../trace/index.ts')
  const samples: Samples = new Map()
  for (const file of filesIn(path)) {
    try {
      if (/\.json$/i.test(file)) samplesOfJson(JSON.parse(readFileSync(file, 'utf8')), samples)
      else samplesOfTrace(readTrace(file), samples)
    } catch (error) {
      say(process.stderr, `${readable(file)} was left out: ${readable((error as Error).message)}`)
    }
  }
  if (samples.size === 0)
    throw new UsageError(`No durations of past runs in ${path}`, {
      hint: 'heddle run --trace runs/1.heddle build.ts, then --learn runs',
    })
  return learn(project, samples)
}

/** The file itself, or those of a folder, by name. */
function filesIn(path: string): string[] {
  try {
    if (!statSync(path).isDirectory()) return [path]
    const names = readdirSync(path).filter((name) => /\.(json|heddle)$/i.test(name))
    return names.toSorted().map((name) => join(path, name))
  } catch (cause) {
    throw new UsageError(`${path} cannot be read: ${(cause as NodeJS.ErrnoException).code ?? 'unknown'}`, { cause })
  }
}

function write(text: string, output: string | true | undefined): number {
  if (typeof output !== 'string') {
    // Pictures and tables are for programs; what would drive a terminal is taken out of a digest.
    process.stdout.write(process.stdout.isTTY ? `${safeText(text, false)}\n` : text)
    return exitCodes.ok
  }
  try {
    writeFileSync(output, text)
  } catch (cause) {
    throw new UsageError(`${output} cannot be written: ${(cause as NodeJS.ErrnoException).code ?? 'unknown'}`, { cause })
  }
  return exitCodes.ok
}

async function read(file: string, { from, target }: Invocation['options']): Promise<Project> {
  const { readPlan } = await import('../../plan/index.ts')
  const format: PlanFormat | undefined = planFormats.find((name) => name === from)
  let text: string
  try {
    text = readFileSync(file === '-' ? 0 : file, 'utf8')
  } catch (cause) {
    throw new UsageError(`${file} cannot be read: ${(cause as NodeJS.ErrnoException).code ?? 'unknown'}`, { cause })
  }
  try {
    return await readPlan(text, {
      file: file === '-' ? '' : file,
      ...(format && { format }),
      ...(typeof target === 'string' && { target }),
    })
  } catch (error) {
    throw asUsage(file, error)
  }
}

function usable<T>(file: string, run: () => T): T {
  try {
    return run()
  } catch (error) {
    throw asUsage(file, error)
  }
}

/** A plan that cannot be understood is the reader's to mend: nothing of heddle is shown. */
function asUsage(file: string, error: unknown): unknown {
  if (!(error instanceof InvalidPlan)) return error
  return new UsageError(error.message.includes(file) || file === '-' ? error.message : `${file}: ${error.message}`, {
    hint: error.hint,
    cause: error,
  })
}

function settingsOf(options: Invocation['options']): PlanOptions {
  return {
    ...counted('schedules', 'schedules', options),
    ...counted('seed', 'seed', options),
    ...counted('concurrency', 'concurrency', options),
  }
}

function counted(option: string, name: keyof PlanOptions, options: Invocation['options']): PlanOptions {
  const value = options[option]
  if (value === undefined) return {}
  const number = Number(value)
  if (!Number.isSafeInteger(number) || number < (name === 'seed' ? 0 : 1))
    throw new UsageError(
      `Expected --${option} to be a whole number from ${name === 'seed' ? 0 : 1} up, got ${JSON.stringify(value)}`,
    )
  return { [name]: number }
}
