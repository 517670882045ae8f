/**
 * Distributed context: texts that are too long for one call are cut into parts, the parts are mapped at once, and the results are
 * reduced in as many levels as it takes, so that no call ever gets more than fits. Every result knows what it was made of.
 */
import { describe, InvalidOption, Overflow, QuorumNotReached } from '../../base/errors.ts'
import type { TaskContext } from '../../base/frame.ts'
import { checkFunction, checkOptions, rules } from '../../base/options.ts'
import { checkpointRule } from '../../checkpoint/index.ts'
import { type RunOptions, runRules } from '../../run/group.ts'
import { map } from '../../run/map.ts'
import { type Checkpointed, type Once, withOnce } from './once.ts'
import { splitText, type TextPart } from './split.ts'
import { type CountTokens, estimateTokens } from '../model/tokens.ts'

/** A document to condense. */
export interface CondenseDocument {
  readonly id: string
  readonly text: string
}

/** A part of a document, as `map` gets it. */
export interface DocumentPart extends TextPart {
  readonly document: string
  /** Position among the parts of all documents. */
  readonly index: number
}

/** A result and what it was made of: parts of documents below, results of the level before above. */
export interface Condensed {
  readonly text: string
  readonly from: readonly (DocumentPart | Condensed)[]
}

/** What {@link condense} gives. */
export interface CondenseResult extends Condensed {
  /** The parts that the text rests on, in order: where in which document. */
  readonly references: readonly DocumentPart[]
  readonly parts: readonly DocumentPart[]
  /** Levels of reduction; 0 when one part was all there was. */
  readonly levels: number
  /** Parts that are missing because their call failed; empty unless `onFailure` is `'settle'`. */
  readonly missing: readonly { readonly part: DocumentPart; readonly error: unknown }[]
}

/** Options of {@link condense}. */
export interface CondenseOptions extends RunOptions, Checkpointed {
  /** What a part says, for the purpose at hand. */
  readonly map: (part: DocumentPart, context: TaskContext) => string | PromiseLike<string>
  /** One text of several. Together they never have more than `maxTokens`. */
  readonly reduce: (texts: readonly string[], context: TaskContext) => string | PromiseLike<string>
  /** Tokens of text that one call gets at most. Leave room for the instructions and the answer. */
  readonly maxTokens: number
  /** Tokens that neighbouring parts share. @default 0 */
  readonly overlap?: number
  /** @default an estimate, see `estimateTokens` */
  readonly countTokens?: CountTokens
  /** Calls under way at most. @default 32 */
  readonly concurrency?: number
  /** `'settle'`: parts whose call fails are left out and named in `missing`. @default 'stop' */
  readonly onFailure?: 'stop' | 'settle'
}

const condenseRules = {
  ...runRules,
  checkpoint: checkpointRule,
  map: rules.function,
  reduce: rules.function,
  maxTokens: rules.whole(1),
  overlap: rules.whole(0),
  countTokens: rules.function,
  concurrency: rules.whole(1),
  onFailure: rules.oneOf('stop', 'settle'),
}

/**
 * Condenses texts of any length to one.
 *
 * @param documents a text, or several with or without ids
 * @throws {Overflow} when `reduce` does not make its texts shorter, so that they would never fit
 * @throws the first failure of `map` or `reduce`
 *
 * @example
 * const { text, references } = await condense(chapters, {
 *   map: (part) => ask(model, `Summarize:\n\n${part.text}`),
 *   reduce: (texts) => ask(model, `Combine these summaries:\n\n${texts.join('\n\n')}`),
 *   maxTokens: 8_000,
 * })
 */
export async function condense(
  documents: string | readonly (string | CondenseDocument)[],
  options: CondenseOptions,
): Promise<CondenseResult> {
  checkOptions<CondenseOptions>(options, condenseRules, 'condense')
  const { checkpoint, ...rest } = options
  return withOnce(checkpoint, 'condense', (once) => condenseOnce(documents, rest, once))
}

async function condenseOnce(
  documents: string | readonly (string | CondenseDocument)[],
  options: CondenseOptions,
  once: Once,
): Promise<CondenseResult> {
  const {
    map: mapPart,
    reduce,
    maxTokens,
    overlap,
    countTokens = estimateTokens,
    concurrency = 32,
    onFailure = 'stop',
    ...run
  } = options
  checkFunction(mapPart, 'map', 'condense')
  checkFunction(reduce, 'reduce', 'condense')
  if (maxTokens === undefined)
    throw new InvalidOption(`Expected \`maxTokens\` to be a whole number from 1 up, got ${describe(maxTokens)}`)
  const split = { maxTokens, countTokens, ...(overlap !== undefined && { overlap }) }
  const parts = documentsOf(documents)
    .flatMap(({ id, text }) => splitText(text, split).map((part) => ({ ...part, document: id })))
    .map((part, index): DocumentPart => ({ ...part, index }))
  const common = { name: 'condense', ...run, concurrency }

  const mapped = async (part: DocumentPart, context: TaskContext): Promise<Condensed> => ({
    text: await once('map', [part.document, part.text], () => mapPart(part, context)),
    from: [part],
  })
  const { ok, failed } =
    onFailure === 'settle'
      ? await map(parts, mapped, { ...common, onFailure })
      : { ok: await map(parts, mapped, common), failed: [] }
  if (ok.length === 0 && parts.length > 0) throw new QuorumNotReached('Every part failed', { cause: failed[0]?.error })

  const reduceOnce = (texts: readonly string[], context: TaskContext): string | PromiseLike<string> =>
    once('reduce', texts, () => reduce(texts, context))
  const reducing = new Reduction(reduceOnce, maxTokens, countTokens)
  let level = ok
  let levels = 0
  for (; level.length > 1; levels++) {
    const groups = reducing.groups(level)
    level = await map(groups, (group, context) => reducing.one(group, context), common)
  }
  const [root = { text: '', from: [] }] = level
  return {
    ...root,
    references: referencesOf(root),
    parts,
    levels,
    missing: failed.map(({ item, error }) => ({ part: item, error })),
  }
}

class Reduction {
  readonly #reduce: CondenseOptions['reduce']
  readonly #maxTokens: number
  readonly #count: CountTokens

  constructor(reduce: CondenseOptions['reduce'], maxTokens: number, count: CountTokens) {
    this.#reduce = reduce
    this.#maxTokens = maxTokens
    this.#count = count
  }

  /**
   * Neighbours that fit into one call together. A text that is too long even for a call of its own is cut, so that it can be reduced.
   * @throws {Overflow} when no two fit together: then nothing would ever get shorter
   */
  groups(level: readonly Condensed[]): Condensed[][] {
    const groups: Condensed[][] = []
    let tokens = 0
    for (const [text, own] of level.flatMap((entry) => this.#fitting(entry))) {
      const last = groups.at(-1)
      if (last && tokens + own <= this.#maxTokens) {
        last.push(text)
        tokens += own
      } else {
        groups.push([text])
        tokens = own
      }
    }
    if (groups.length < level.length) return groups
    throw new Overflow(`The ${level.length} texts do not get shorter: no two of them fit into ${this.#maxTokens} tokens`, {
      hint: 'Ask for shorter answers in `map` and `reduce`, or raise `maxTokens`.',
    })
  }

  async one(group: readonly Condensed[], context: TaskContext): Promise<Condensed> {
    const [only] = group
    if (group.length === 1 && only) return only
    return {
      text: await this.#reduce(
        group.map(({ text }) => text),
        context,
      ),
      from: group,
    }
  }

  /** The text and its tokens; several pieces of it where it is too long. Each is counted once. */
  #fitting(entry: Condensed): readonly (readonly [Condensed, tokens: number])[] {
    const tokens = this.#count(entry.text)
    if (tokens <= this.#maxTokens) return [[entry, tokens]]
    return splitText(entry.text, { maxTokens: this.#maxTokens, countTokens: this.#count }).map(
      ({ text }) => [{ text, from: entry.from }, this.#count(text)] as const,
    )
  }
}

function documentsOf(documents: string | readonly (string | CondenseDocument)[]): readonly CondenseDocument[] {
  const list = typeof documents === 'string' ? [documents] : documents
  if (!Array.isArray(list))
    throw new InvalidOption(`Expected condense to get a text or a list of documents, got ${describe(documents)}`)
  return list.map((entry: string | CondenseDocument, index) => {
    const document = typeof entry === 'string' ? { id: `${index}`, text: entry } : entry
    if (typeof document?.text === 'string' && typeof document.id === 'string') return document
    throw new InvalidOption(
      `Expected document ${index} of condense to be a text, or an object with \`id\` and \`text\`, got ${describe(entry)}`,
    )
  })
}

/** The parts below, each once, in order. */
function referencesOf(root: Condensed): readonly DocumentPart[] {
  const found = new Set<DocumentPart>()
  const seen = new Set<Condensed>()
  const visit = (node: Condensed): void => {
    if (seen.has(node)) return
    seen.add(node)
    for (const below of node.from) {
      if ('from' in below) visit(below)
      else found.add(below)
    }
  }
  visit(root)
  return [...found].sort((a, b) => a.index - b.index)
}
