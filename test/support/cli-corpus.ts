/** Command lines and files that are wrong in many ways, each with the exit codes that are right for it. Equal seeds give equal cases. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { commands } from '../../src/cli/commands.ts'
import type { CommandSpec } from '../../src/cli/interface/command-spec.ts'
import { encodeTrace } from '../../src/trace/format/encode.ts'
import { randomFrom, type Random } from './random.ts'
import { makeTraceOf } from './traces.ts'

export interface CorpusCase {
  readonly what: string
  readonly args: readonly string[]
  readonly codes: readonly number[]
  /** What it prints may be checked for an error only where it must fail. */
  readonly kind: 'command line' | 'trace' | 'program'
}

const usage = [2]

/** Writes the files into `folder`. Programs are as many as they are; the rest fills up to `count`. */
export function cliCorpus(folder: string, count: number, seed = 28): CorpusCase[] {
  mkdirSync(folder, { recursive: true })
  const random = randomFrom(seed)
  const fixed = [...commandLines(), ...oddPrograms(folder), ...oddTraces(folder)]
  const rest = Math.max(0, count - fixed.length)
  const typed = Array.from({ length: Math.ceil(rest / 2) }, () => mistyped(random))
  const damaged = damagedTraces(folder, random, Math.floor(rest / 2))
  return [...fixed, ...typed, ...damaged]
}

function commandLines(): CorpusCase[] {
  const lines: (readonly string[])[] = [
    ['rnu'],
    ['RUN'],
    ['__proto__'],
    ['constructor'],
    ['toString', 'x'],
    ['-'],
    ['--'],
    ['-x'],
    ['--jsno'],
    [''],
    [' '],
    ['run', ''],
    ['run', 'none.ts'],
    ['run', '.'],
    ['run', 'x'.repeat(10_000)],
    ['run', '--concurrency', '0', 'a.ts'],
    ['run', '--concurrency'],
    ['run', '--concurrency='],
    ['run', '--concurrency', '-1'],
    ['run', '--reporter', 'defualt', 'a.ts'],
    ['run', '--reporter', '__proto__', 'a.ts'],
    ['run', '--reporter'],
    ['run', '--trace'],
    ['run', '--json=yes', 'a.ts'],
    ['run', '--no-json', 'a.ts'],
    ['run', '-qz', 'a.ts'],
    ['run', '--', 'none.ts'],
    ['run', '--\u202Egnp', 'a.ts'],
    ['run', '--\u001B[31mred', 'a.ts'],
    ['trace'.toUpperCase()],
    ['trace', 'none.heddle'],
    ['trace', '.'],
    ['trace', 'compare'],
    ['trace', 'compare', 'one.heddle'],
    ['trace', 'compare', 'one.heddle', 'two.heddle'],
    ['trace', 'a', 'b'],
    ['trace', '--export', 'pdf', 'a'],
    ['trace', '--export'],
    ['trace', '--output', 'x', 'a'],
    ['trace', '/dev/zero'],
    ['trace', '/dev/null'],
    ['completion', 'powershell'],
    ['completion', 'bash', 'zsh'],
    ['completion', '--shell', 'bash'],
    ['help', 'nothing'],
    ['simulate', '--port', 'many'],
    ['simulate', '--rpm', ''],
    ['simulate', 'now'],
    ['simulate', '--seed'],
  ]
  return lines.map((args) => ({ what: JSON.stringify(args).slice(0, 80), args, codes: usage, kind: 'command line' }))
}

/** A command line of the table with one thing wrong. */
function mistyped(random: Random): CorpusCase {
  const command: CommandSpec = random.pick(commands)
  const option = random.pick(command.options.length > 0 ? command.options : [{ name: 'help', summary: '' }])
  const letters = [...option.name]
  const at = random.below(letters.length)
  const broken = random.pick([
    () => [...letters.slice(0, at), ...letters.slice(at + 1), 'x'].join(''),
    () => [...letters.slice(0, at), random.pick([...'qxz_%ü']), ...letters.slice(at)].join(''),
    () => letters.toReversed().join('') + random.pick([...'0123']),
    () => `${option.name}-${random.pick(['', 'x', '%', '__proto__'])}`,
  ])()
  const wrong = random.pick<() => string[]>([
    () => [command.name, `--${broken}`, 'file.ts'],
    () => [command.name, `--${broken}=${'v'.repeat(random.below(2_000))}`, 'file.ts'],
    () => [command.name, `-${random.pick([...'jkwxyz%'])}`, 'file.ts'],
    () => [`${command.name}${random.pick([...'xyz_'])}`, 'file.ts'],
    () => [`${broken}`, command.name],
  ])()
  return { what: JSON.stringify(wrong).slice(0, 80), args: wrong, codes: usage, kind: 'command line' }
}

/** Programs that fail, each in a way of its own; what a program does is no usage error, so most end with 1. */
function oddPrograms(folder: string): CorpusCase[] {
  const programs: readonly (readonly [file: string, source: string | Buffer, ...codes: number[]])[] = [
    ['empty.ts', '', 0],
    ['number.ts', 'export default 7', 0],
    ['syntax.ts', 'export const = 1', 1],
    ['syntax.mjs', 'export const = 1', 1],
    ['syntax.cjs', 'const = 1', 1],
    ['binary.ts', Buffer.from([0, 255, 254, 1, 2, 3, 0, 0]), 1],
    ['binary.mjs', Buffer.from([0, 255, 254, 1, 2, 3, 0, 0]), 1],
    ['missing.ts', `import './nowhere.ts'`, 1],
    ['missing.mjs', `import 'no-such-package-anywhere'`, 1],
    ['name.mjs', `import { nothing } from 'node:fs'; nothing()`, 1],
    ['null.ts', 'throw null', 1],
    ['undefined.ts', 'throw undefined', 1],
    ['symbol.ts', `throw Symbol('thrown')`, 1],
    ['object.ts', 'throw { not: "an error" }', 1],
    ['frozen.ts', `throw Object.freeze(new Error('frozen'))`, 1],
    ['proxy.ts', `throw new Proxy(new Error('behind a proxy'), {})`, 1],
    ['getter.ts', `throw Object.defineProperty(new Error('x'), 'message', { get() { throw new Error('no message') } })`, 1],
    ['stack.ts', `throw Object.defineProperty(new Error('no stack'), 'stack', { get() { throw new Error('y') } })`, 1],
    ['long.ts', `throw new Error('long '.repeat(200_000))`, 1],
    ['lines.ts', String.raw`throw new Error('one\ntwo\nthree')`, 1],
    ['escapes.ts', String.raw`throw new Error('\u001B[2J\u001B[31mred')`, 1],
    ['circle.ts', `const e: Error & { cause?: unknown } = new Error('circle'); e.cause = e; throw e`, 1],
    ['deep.ts', `let e = new Error('0'); for (let i = 1; i < 3_000; i++) e = new Error(String(i), { cause: e }); throw e`, 1],
    ['overflow.ts', `const f = (): number => f() + 1; export default f`, 1],
    ['rejects.ts', `export default () => Promise.reject(new RangeError('no'))`, 1],
    ['nobody.ts', `void Promise.reject(new RangeError('nobody waits')); setTimeout(() => {}, 5_000)`, 1],
    ['timer.ts', `setTimeout(() => { throw new TypeError('later') }, 1)`, 1],
    ['waits.ts', 'await new Promise(() => {})', 1],
    ['waits-inside.ts', 'export default () => new Promise(() => {})', 1],
    ['exit.ts', 'process.exit(3)', 3],
    ['code.ts', 'process.exitCode = 4', 4],
    ['then.ts', `export default () => ({ then() { throw new Error('a thenable') } })`, 1],
    ['option.ts', `import { map } from 'heddle'; await map([1], async (x) => x, { concurrency: 'lots' } as never)`, 1],
    [
      'cycle.ts',
      `import { graph } from 'heddle'; const g = graph('g'); g.task('a', async () => 1); g.task('a', async () => 2)`,
      1,
    ],
    ['data.json', '{}', 2],
    ['text.txt', 'hello', 2],
  ]
  const cases = programs.map(([file, source, ...codes]): CorpusCase => {
    writeFileSync(join(folder, file), source)
    return { what: file, args: ['run', join(folder, file)], codes, kind: 'program' }
  })
  const plans = ['empty.ts', 'number.ts'].map((file): CorpusCase => ({
    what: `--dry-run ${file}`,
    args: ['run', '-n', join(folder, file)],
    codes: usage,
    kind: 'program',
  }))
  const notWritable: CorpusCase = {
    what: '--trace into a folder that is not there',
    args: ['run', '--trace', join(folder, 'no/such/run.heddle'), join(folder, 'empty.ts')],
    codes: usage,
    kind: 'program',
  }
  return [...cases, ...plans, notWritable]
}

function sample(): Uint8Array {
  return encodeTrace(
    makeTraceOf({
      tasks: Array.from({ length: 40 }, (_, i) => ({
        startedAt: i,
        settledAt: i + 3,
        row: i % 3,
        name: `task ${i}`,
        needs: i > 2 ? [i - 1, i] : [],
        ...(i % 7 === 6 && { state: 'failed' as const, error: { name: 'Error', message: `no ${i}` } }),
      })),
      notes: [{ at: 1, kind: 'worker-start', data: { row: 1, ms: 1 } }],
      samples: [{ at: 5, busy: 0.5, cores: 1 }],
    }),
  )
}

function oddTraces(folder: string): CorpusCase[] {
  const good = Buffer.from(sample())
  const files: readonly (readonly [string, Uint8Array | string, ...number[]])[] = [
    ['good', good, 0],
    ['empty', '', 2],
    ['text', 'hello', 2],
    ['json', '{"traceEvents":[]}', 2],
    ['half', good.subarray(0, 4), 2],
    ['preamble', good.subarray(0, 8), 2],
    ['newer', Buffer.concat([good.subarray(0, 7), Buffer.from([200])]), 2],
    ['twice', Buffer.concat([good, good]), 2],
    ['longest', Buffer.concat([good.subarray(0, 8), Buffer.alloc(12, 255)]), 2],
    ['zeros', Buffer.alloc(100_000), 2],
  ]
  return files.map(([name, bytes, ...codes]) => {
    writeFileSync(join(folder, `${name}.heddle`), bytes)
    return { what: `${name}.heddle`, args: ['trace', join(folder, `${name}.heddle`)], codes, kind: 'trace' }
  })
}

/** A good trace, cut off somewhere or with bytes changed. Where only the end is missing it is still to be read. */
function damagedTraces(folder: string, random: Random, count: number): CorpusCase[] {
  const good = sample()
  return Array.from({ length: count }, (_, i) => {
    const cut = random.next() < 0.4
    const bytes = Uint8Array.from(cut ? good.subarray(0, random.below(good.length)) : good)
    for (let change = cut ? 0 : 1 + random.below(6); change > 0; change--) bytes[random.below(bytes.length)] = random.below(256)
    const path = join(folder, `damaged-${i}.heddle`)
    writeFileSync(path, bytes)
    return { what: `damaged-${i}.heddle`, args: ['trace', path], codes: [0, 2], kind: 'trace' }
  })
}

/** Neither Node's nor ours. */
const stackLine = /^\s+at .*:\d+:\d+\)?$/m
const anyControl = /(?![\n\t])\p{Cc}/u
const firstLine = /^(error|[A-Z]\w*(Error|Crashed)?|Thrown|Error): \S/

/** What is wrong with the answer to a case; empty when nothing is. */
export function judge({ codes }: CorpusCase, answer: { code: number | null; stdout: string; stderr: string }): string[] {
  const problems: string[] = []
  const { code, stderr } = answer
  if (code === null || !codes.includes(code)) problems.push(`ended with ${code}, not ${codes.join(' or ')}`)
  if (stackLine.test(stderr)) problems.push('a stack trace')
  if (anyControl.test(stderr)) problems.push('control characters')
  if (code === 1 || code === 2) {
    const heads = stderr.split('\n').filter((line) => firstLine.test(line))
    if (heads.length !== 1) problems.push(`${heads.length} lines that say what happened`)
    if (stderr.length > 5_000) problems.push(`${stderr.length} letters`)
  }
  return problems.length > 0 ? [...problems, stderr.slice(0, 600)] : []
}
