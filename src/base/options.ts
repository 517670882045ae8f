/**
 * Checks of options. Every public function runs its options through {@link checkOptions}: an unknown option, a wrong
 * type or a number out of range is an {@link InvalidOption} that says what was expected and what came.
 */
import { type Duration, durationMs } from './duration.ts'
import { describe, InvalidOption } from './errors.ts'
import { isList, peek } from './look.js'

/** Says what a value should be: gives nothing when it is right, else the words after "Expected `name` to be". */
export interface Rule {
  readonly expected: string
  accepts(value: unknown): boolean
  /** What to do about a value that was refused. */
  hint?(value: unknown): string | undefined
}

const rule = (expected: string, accepts: (value: unknown) => boolean): Rule => ({ expected, accepts })

export const rules = {
  whole: (minimum: number, also: readonly string[] = []): Rule =>
    rule(
      `a whole number from ${minimum} up${also.map((word) => ` or '${word}'`).join('')}`,
      (v) => (Number.isInteger(v) && (v as number) >= minimum) || v === Number.POSITIVE_INFINITY || also.includes(v as string),
    ),
  number: (minimum: number, maximum = Number.POSITIVE_INFINITY): Rule =>
    rule(
      maximum === Number.POSITIVE_INFINITY ? `a number from ${minimum} up` : `a number from ${minimum} to ${maximum}`,
      (v) => typeof v === 'number' && v >= minimum && v <= maximum,
    ),
  boolean: rule('true or false', (v) => typeof v === 'boolean'),
  string: rule('text that is not empty', (v) => typeof v === 'string' && v !== ''),
  function: rule('a function', (v) => typeof v === 'function'),
  object: rule('an object', (v) => typeof v === 'object' && v !== null),
  executor: rule('an executor, such as threads({ size: 4 }) gives', (v) =>
    ['call', 'bulk', 'close'].every((method) => typeof (v as Record<string, unknown> | null)?.[method] === 'function'),
  ),
  signal: rule(
    'an AbortSignal',
    (v) => typeof peek(v, 'aborted') === 'boolean' && typeof peek(v, 'addEventListener') === 'function',
  ),
  duration: rule("a number of milliseconds from 0 up, or text such as '250ms', '5s', '2m' or '1h'", (v) => {
    try {
      return durationMs(v as Duration, '') >= 0
    } catch {
      return false
    }
  }),
  oneOf: (...words: readonly string[]): Rule =>
    rule(words.map((word) => `'${word}'`).join(' or '), (v) => words.includes(v as string)),
  listOf: (...words: readonly string[]): Rule =>
    rule(
      `a list of ${words.map((word) => `'${word}'`).join(' and ')}`,
      (v) => Array.isArray(v) && v.every((one) => words.includes(one as string)),
    ),
  either: (...choices: readonly Rule[]): Rule =>
    rule(choices.map((choice) => choice.expected).join(', or '), (v) => choices.some((choice) => choice.accepts(v))),
  any: rule('anything', () => true),
} as const

/** The known options of one function: each with its rule. `undefined` always means "not given". */
export type OptionRules<O> = { readonly [K in keyof Required<O>]: Rule }

/**
 * Checks options that a caller passed.
 * @param where the function's name, for the message.
 * @throws {InvalidOption} on the first thing that is wrong.
 */
export function checkOptions<O extends object>(options: unknown, known: OptionRules<O>, where: string): asserts options is O {
  if (!isRecord(options)) {
    throw new InvalidOption(`Expected the options of ${where} to be an object, got ${describe(options)}`, {
      hint: asOption(options, known),
    })
  }
  for (const name of Object.keys(options)) {
    const option = Object.hasOwn(known, name) ? known[name as keyof O] : undefined
    if (!option) {
      const names = Object.keys(known)
      const near = nearest(name, names)
      throw new InvalidOption(`Unknown option \`${name}\` of ${where}; it knows ${names.map((n) => `\`${n}\``).join(', ')}`, {
        hint: near === undefined ? undefined : `Did you mean \`${near}\`?`,
      })
    }
    checkValue((options as Record<string, unknown>)[name], option, name)
  }
}

/** An object that has options: a Map, a promise or an `AbortSignal` has none, and would be ignored without a word. */
function isRecord(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  try {
    // Also what `import * as options` gives.
    return ['[object Object]', '[object Module]'].includes(Object.prototype.toString.call(value))
  } catch {
    // A revoked proxy.
    return false
  }
}

/** Options that people write as a bare value, as in `limiter(2)` or `map(items, fn, 8)`. */
const bare = ['concurrency', 'size', 'capacity', 'permits', 'timeout', 'path']

function asOption(value: unknown, known: object): string | undefined {
  if (rules.signal.accepts(value) && Object.hasOwn(known, 'signal')) return 'Did you mean { signal }?'
  if (typeof value !== 'number') return undefined
  const name = bare.find((each) => Object.hasOwn(known, each))
  return name && `Did you mean { ${name}: ${value} }?`
}

/** @throws {InvalidOption} when the value is given and breaks the rule. */
export function checkValue(value: unknown, option: Rule, name: string): void {
  if (value === undefined || option.accepts(value)) return
  throw new InvalidOption(`Expected \`${name}\` to be ${option.expected}, got ${describe(value)}`, { hint: option.hint?.(value) })
}

/** @throws {InvalidOption} when an argument that must be a function is none. */
export function checkFunction(value: unknown, name: string, where: string): void {
  if (typeof value === 'function') return
  const options = typeof value === 'object' && value !== null && typeof peek(value, 'then') !== 'function'
  const hint = isList(value)
    ? 'The items come first, then the function.'
    : options
      ? `Options come after \`${name}\`.`
      : undefined
  throw new InvalidOption(`Expected \`${name}\` of ${where} to be a function, got ${describe(value)}`, { hint })
}

/** The word of the list that was probably meant, if one is close enough (edit distance up to a third of its length). */
export function nearest(word: string, known: readonly string[]): string | undefined {
  let best: string | undefined
  let bestDistance = Number.POSITIVE_INFINITY
  for (const candidate of known) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase())
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance]
  }
  return best !== undefined && bestDistance <= Math.max(1, Math.floor(best.length / 3)) ? best : undefined
}

/** Edits between two words: a letter more, less or other, or two neighbours swapped (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = (last[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1)
      row[j] = Math.min(replaced, (last[j] as number) + 1, (row[j - 1] as number) + 1)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        row[j] = Math.min(row[j] as number, (beforeLast[j - 2] as number) + 1)
      }
    }
    ;[beforeLast, last] = [last, row]
  }
  return last[b.length] as number
}
