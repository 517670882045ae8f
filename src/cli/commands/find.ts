/** `heddle find`: what runs one after the other in this code and could run at once, and what runs at once and must not. */
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type { FindOptions, FindResult, Finding, Tier } from '../../find/index.ts'
import type { Invocation } from '../interface/command-spec.ts'
import { codeFrame } from '../terminal/code-frame.ts'
import { exitCodes } from '../interface/exit-codes.ts'
import { forbidColor, type Paint, paint } from '../terminal/paint.ts'
import { formatMs } from '../../base/duration.ts'
import { withoutSecrets } from '../../base/secrets.ts'
import { readable, safeText } from '../../base/readable.ts'
import { say, sayJson } from '../terminal/say.ts'
import { columnsOf } from '../terminal/wrap.ts'
import { UsageError } from '../interface/usage-error.ts'
import { version } from '../version.ts'

/** A fix may make another one possible, around it or beside it. */
const mostRounds = 5

export async function command({ positionals, options }: Invocation): Promise<number> {
  if (options['no-color'] === true) forbidColor()
  const { applyFixes, costsOf, find, markdown, rankedByCost, sarif } = await import('../../find/index.ts')
  const paths = positionals.length > 0 ? positionals : ['.']
  const since = typeof options.since === 'string' ? changedSince(options.since) : undefined
  const baseline =
    typeof options.baseline === 'string' ? await baselineOf(options.baseline, options['write-baseline'] === true) : undefined
  const costs = typeof options.trace === 'string' ? await costsOf(options.trace) : undefined
  const select = ({ findings }: FindResult): readonly Finding[] =>
    (costs ? rankedByCost(process.cwd(), findings, costs) : findings).filter(
      ({ file, id }) => (since?.has(file) ?? true) && !(baseline?.has(id) ?? false),
    )
  const how: FindOptions = {
    tests: options.all === true,
    // Where packages are installed there is a place for caches; elsewhere nothing is written.
    ...(options['no-cache'] !== true && existsSync('node_modules') && { cache: 'node_modules/.cache/heddle/find.json' }),
  }
  let result = await find(paths, how)
  let fixed = 0
  for (let round = 0; round < mostRounds && (options.fix === true || options['fix-likely'] === true); round++) {
    const fixable = select(result).filter(({ tier, fix }) => fix && (tier === 'proven' || options['fix-likely'] === true))
    const applied = applyFixes(process.cwd(), fixable)
    if (applied.findings === 0) break
    fixed += applied.findings
    result = await find(paths, how)
  }
  const selected = select(result)
  if (options['write-baseline'] === true) return writeBaseline(options.baseline, selected)
  const shown = selected.filter(({ tier }) => tier !== 'info' || options.all === true)
  const format = options.json === true ? 'json' : options.format
  if (format === 'json')
    sayJson(
      process.stdout,
      JSON.stringify({ findings: selected, unreadable: result.unreadable, summary: summaryOf(result, selected) }, null, 2),
    )
  else if (format === 'sarif') sayJson(process.stdout, sarif(shown, version))
  else if (format === 'markdown') process.stdout.write(`${safeText(withoutSecrets(markdown(shown)), false)}\n`)
  // Commands of the workflow, whose parts are escaped.
  else if (format === 'github') for (const finding of shown) process.stdout.write(`${annotation(finding)}\n`)
  else report(result, selected, shown, fixed, paint(process.stdout))
  const failOn = (options['fail-on'] as Tier | 'never' | undefined) ?? 'likely'
  return failOn !== 'never' && selected.some(({ tier }) => rank(tier) <= rank(failOn)) ? exitCodes.failed : exitCodes.ok
}

function rank(tier: Tier): number {
  return ['proven', 'likely', 'info'].indexOf(tier)
}

function summaryOf({ summary }: FindResult, selected: readonly Finding[]): FindResult['summary'] {
  const counted = (of: Tier): number => selected.filter(({ tier }) => tier === of).length
  return { ...summary, proven: counted('proven'), likely: counted('likely'), info: counted('info') }
}

function report(result: FindResult, selected: readonly Finding[], shown: readonly Finding[], fixed: number, paint: Paint): void {
  for (const { path, reason } of result.unreadable) say(process.stderr, `${readable(path)} was left out: ${readable(reason)}`)
  for (const finding of shown) print(findingText(finding, paint))
  const { files, lines, proven, likely, info } = summaryOf(result, selected)
  if (fixed > 0) print(`${fixed} rewritten`)
  print(
    `${proven} proven, ${likely} likely, ${info} more with --all · ${files.toLocaleString('en')} files, ${lines.toLocaleString('en')} lines`,
  )
  if (shown.some(({ tier, fix }) => tier === 'proven' && fix)) print(paint.dim('hint: heddle find --fix rewrites what is proven'))
}

/** Code that is shown may hold keys, and what is printed ends up in logs. */
function shown(text: string): string {
  return readable(withoutSecrets(text))
}

/** A finding as the terminal shows it. */
export function findingText(
  { tier, rule, file, line, message, proof, question, saving, savingMs, remedy, id }: Finding,
  paint: Paint,
): string {
  const head = tier === 'proven' ? paint.green(tier) : tier === 'likely' ? paint.yellow(tier) : paint.dim(tier)
  return [
    `${head} ${paint.bold(shown(message))}`,
    `  ${shown(file)}:${line} ${paint.dim(`${rule} ${id}`)}`,
    ...codeFrame({ file, line, path: resolve(file) }, columnsOf(process.stdout) - 2).map((text) => `  ${paint.dim(text)}`),
    ...proof.map((text) => `  ${shown(text)}`),
    ...(question ? [`  ${paint.yellow('?')} ${shown(question)}`] : []),
    `  ${paint.dim(`${shown(saving)}${savingMs ? ` About ${formatMs(savingMs)} in the trace.` : ''}`)}`,
    `  ${paint.cyan('instead:')} ${shown(remedy)}`,
    '',
  ].join('\n')
}

function annotation({ file, line, endLine, message, question, remedy, tier }: Finding): string {
  const escape = (text: string): string => shown(text).replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
  const property = (text: string): string => escape(text).replaceAll(':', '%3A').replaceAll(',', '%2C')
  const level = tier === 'proven' ? 'warning' : 'notice'
  return `::${level} file=${property(file)},line=${line},endLine=${endLine},title=${property(`heddle find (${tier})`)}::${escape(
    [message, question, `Instead: ${remedy}`].filter(Boolean).join(' — '),
  )}`
}

/** Files that differ from a revision, relative to this folder, also those that Git does not track yet. */
function changedSince(revision: string): ReadonlySet<string> {
  const git = (...args: readonly string[]): string[] =>
    execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
      .split('\0')
      .filter((file) => file !== '')
  try {
    return new Set([
      ...git('diff', '--name-only', '-z', '--relative', '--end-of-options', revision),
      ...git('ls-files', '--others', '--exclude-standard', '-z'),
    ])
  } catch (cause) {
    const reason =
      String((cause as { stderr?: string }).stderr ?? (cause as Error).message)
        .trim()
        .split('\n')[0] ?? ''
    throw new UsageError(`--since ${revision}: Git cannot compare with it: ${reason}`, {
      cause,
      hint: 'heddle find --since main',
    })
  }
}

async function baselineOf(file: string, writing: boolean): Promise<ReadonlySet<string> | undefined> {
  if (writing) return undefined
  const { readFileSync } = await import('node:fs')
  try {
    const ids = JSON.parse(readFileSync(file, 'utf8')) as unknown
    if (Array.isArray(ids) && ids.every((id) => typeof id === 'string')) return new Set(ids)
    throw new Error('it is not a list of identities')
  } catch (cause) {
    throw new UsageError(`The baseline ${file} cannot be read: ${(cause as Error).message}`, {
      cause,
      hint: `heddle find --baseline ${file} --write-baseline`,
    })
  }
}

async function writeBaseline(file: unknown, findings: readonly Finding[]): Promise<number> {
  if (typeof file !== 'string')
    throw new UsageError('--write-baseline needs a file', { hint: 'heddle find --baseline findings.json --write-baseline' })
  const { writeFileSync } = await import('node:fs')
  writeFileSync(file, `${JSON.stringify([...new Set(findings.map(({ id }) => id))].toSorted(), null, 2)}\n`)
  say(process.stderr, `${file} written: ${findings.length} findings are known from now on`)
  return exitCodes.ok
}

function print(text: string): void {
  say(process.stdout, text)
}
