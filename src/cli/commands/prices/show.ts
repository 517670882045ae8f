/** `heddle prices show`: what models cost, how much fits into them, what they can do, and where that comes from. */
import { type Price, priceOf } from '../../../ai/index.ts'
import { counted } from '../../../base/counted.ts'
import { exitCodes } from '../../interface/exit-codes.ts'
import { say, sayJson } from '../../terminal/say.ts'
import type { AskedPrices } from './asked.ts'

type Row = readonly [model: string, price: Price]

export function show({ names, table, json }: AskedPrices): number {
  const list = table()
  const all = Object.entries(list.models)
  const missing: string[] = []
  const rows = names.length === 0 ? all : names.flatMap((name): readonly Row[] => found(name, list.models, missing))
  const chosen = new Map(rows)
  if (json)
    sayJson(process.stdout, JSON.stringify({ date: list.date, source: list.source, models: Object.fromEntries(chosen), missing }))
  else {
    if (chosen.size > 0) say(process.stdout, ...tableLines([...chosen]))
    for (const name of missing) say(process.stderr, `${name}: not in the table`)
    say(
      process.stderr,
      `${counted(chosen.size, 'model')} of ${all.length}; US dollars per million tokens, as of ${list.date}, from ${list.source}`,
    )
  }
  return missing.length > 0 ? exitCodes.failed : exitCodes.ok
}

/** A model by its name, as budgets look it up; else those whose names have the text in them. */
function found(name: string, models: Readonly<Record<string, Price>>, missing: string[]): readonly Row[] {
  const price = priceOf(name, models)
  if (price) return [[name, price]]
  const some = Object.entries(models).filter(([id]) => id.includes(name))
  if (some.length === 0) missing.push(name)
  return some
}

const heads = ['model', 'input', 'output', 'cached', 'batch in', 'batch out', 'window', 'answer', 'retires', 'can']
/** Texts stand left, numbers right. */
const texts = new Set([0, 8, 9])

function tableLines(rows: readonly Row[]): readonly string[] {
  const cells = [heads, ...rows.map(([model, price]) => cellsOf(model, price))]
  const widths = heads.map((_, column) => Math.max(...cells.map((row) => (row[column] as string).length)))
  return cells.map((row) =>
    row
      .map((cell, column) =>
        texts.has(column) ? cell.padEnd(widths[column] as number) : cell.padStart(widths[column] as number),
      )
      .join('  ')
      .trimEnd(),
  )
}

function cellsOf(model: string, price: Price): readonly string[] {
  const { input, output, cachedInput, batch, contextWindow, maxOutput, retires, abilities } = price
  return [
    model,
    money(input),
    money(output),
    money(cachedInput),
    money(batch?.input),
    money(batch?.output),
    thousands(contextWindow),
    thousands(maxOutput),
    retires ?? '',
    abilities?.join(' ') ?? '',
  ]
}

function money(usd: number | undefined): string {
  return usd === undefined ? '' : String(Number(usd.toPrecision(4)))
}

function thousands(tokens: number | undefined): string {
  return tokens === undefined ? '' : tokens < 10_000 ? String(tokens) : `${Math.round(tokens / 1_000)}k`
}
