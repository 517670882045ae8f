/**
 * Every regular expression of `src` against text that is made to slow it down: repetitions of what it looks for, with and without a
 * beginning that it accepts. Input may be hostile (answers of providers, names of tasks, stacks), and a pattern that takes time with
 * the square of its length holds the event loop for seconds.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { expect, test } from 'vitest'
import { runs } from './support/runs.ts'

const root = fileURLToPath(new URL('../src', import.meta.url))
const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
  (file) => /\.(?:ts|js)$/.test(file) && !/\.(?:test|fixture|d)\.ts$/.test(file) && !file.includes('fixtures'),
)

interface Pattern {
  readonly where: string
  readonly regex: RegExp
}

/** The literals of a file, and `new RegExp('…')`. */
function patternsOf(file: string): Pattern[] {
  const source = ts.createSourceFile(file, readFileSync(join(root, file), 'utf8'), ts.ScriptTarget.Latest, true)
  const found: Pattern[] = []
  const visit = (node: ts.Node): void => {
    const where = `${file}:${source.getLineAndCharacterOfPosition(node.pos).line + 1}`
    if (ts.isRegularExpressionLiteral(node)) {
      const end = node.text.lastIndexOf('/')
      found.push({ where, regex: new RegExp(node.text.slice(1, end), node.text.slice(end + 1)) })
    } else if (ts.isNewExpression(node) && node.expression.getText() === 'RegExp') {
      const [text, flags] = node.arguments ?? []
      if (text && ts.isStringLiteralLike(text))
        found.push({ where, regex: new RegExp(text.text, flags && ts.isStringLiteralLike(flags) ? flags.text : '') })
    }
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

const pumps = [
  ' ',
  '\t',
  '\n',
  ' \n',
  'a',
  'A',
  '0',
  '1.',
  '-',
  '_',
  'a-',
  'a_',
  '.',
  '/',
  '../',
  ':',
  '=',
  '"',
  "'",
  '\\',
  '\\"',
  '(',
  '[',
  '{',
  '<',
  '&',
  '?',
  '@',
  ';',
  ',',
  ', ',
  '\u001b[',
  '€',
  '\u4e00',
]
const endings = ['!', '', '\n', '\u0000'].slice(0, runs(1, 4))

/** Patterns that see only what heddle itself has built. */
const ownText = new Set(['dashboard/server/pages.ts'])

/** Text for one pattern: its own words are what gets farthest into it. */
function* attacks({ source }: RegExp): Generator<readonly [begin: string, pump: string]> {
  const plain = source.replaceAll(/\\[bBsSwWdD]/g, ' ').replaceAll(/\\(.)/g, '$1')
  const words = [...new Set(plain.match(/[\w$#@/<>:=."'-]{1,24}/g) ?? [])].slice(0, 12)
  const own = [...new Set([...words, ...words.map((word) => `${word} `)])]
  for (const pump of [...pumps, ...own]) yield ['', pump]
  for (const word of own.slice(0, runs(1, 8))) for (const pump of pumps) yield [word, pump]
}

/** Small sizes, close together, for patterns that repeat something that repeats: their time may double with each character. */
const small = [10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30, 33, 36, 40, 44, 52, 60]
const large = [400, 4_000, 10_000]
const repeatsAGroup = /\)(?:[*+]|\{\d+,)/
/** In processor time, so that a busy machine does not make a pattern slow. */
const mostMs = 40
/**
 * The last size is tried only where the one before it took this long, which a linear pattern never does: 40 ms for 10,000 characters are 6 ms
 * for 4,000 where time grows with the square, and a third of that is left for other constants.
 */
const suspectMs = 2
/** What the engine compiles meanwhile counts too, but only once. */
const tries = [0, 1, 2].slice(0, runs(2, 3))

function slowest({ regex }: Pattern): string | undefined {
  const all = new RegExp(regex.source, regex.flags.replaceAll(/[gy]/g, '') + 'g')
  const lengths = repeatsAGroup.test(regex.source) || runs(0, 1) === 1 ? [...small, ...large] : large
  for (const [begin, pump] of attacks(regex))
    for (const ending of endings)
      for (const length of lengths) {
        if (length === lengths.at(-1) && last < suspectMs) break
        const text = begin + pump.repeat(Math.ceil(length / pump.length)) + ending
        const ms = Math.min(...tries.map((again) => (again > 0 && last < mostMs ? last : time(all, text))))
        if (ms >= mostMs)
          return `${Math.round(ms)} ms for ${JSON.stringify(begin)} + ${JSON.stringify(pump)} × ${length} + ${JSON.stringify(ending)}`
      }
  return undefined
}

let last = 0
function time(regex: RegExp, text: string): number {
  const from = process.cpuUsage()
  text.replaceAll(regex, '')
  return (last = process.cpuUsage(from).user / 1_000)
}

test('no pattern of src takes time with the square of its input', { timeout: 120_000 }, () => {
  const patterns = files.filter((file) => !ownText.has(file)).flatMap(patternsOf)
  expect(patterns.length).toBeGreaterThan(100)
  // Each once, and only those that repeat something without a bound: the others are linear whatever the text.
  const different = new Map(patterns.map((pattern) => [String(pattern.regex), pattern]))
  const repeating = [...different.values()].filter(({ regex }) => /[*+]|\{\d+,\}/.test(regex.source))
  const slow = repeating.flatMap((pattern) => {
    const why = slowest(pattern)
    return why === undefined ? [] : [`${pattern.where} ${pattern.regex}: ${why}`]
  })
  expect(slow).toEqual([])
})

test('the check finds what it is for', () => {
  const known = [/(?<=\bbearer\s+)[^\s]+/gi, /^(a+)+$/, /\s+$/, /(\w+\d*)+:/]
  expect(known.filter((regex) => slowest({ where: '', regex }) === undefined)).toEqual([])
  expect(slowest({ where: '', regex: /abc/ })).toBeUndefined()
})
