import { InvalidOption } from '../../base/errors.ts'
import { checkOptions, type OptionRules, rules } from '../../base/options.ts'
import type { Replica } from '../definition.ts'
import type { Classification } from '../kinds.ts'
import { replica } from '../replicas/replicas.ts'
import { textRules } from './embeddings.ts'
import { englishTexts, type OnnxModelOptions, openTexts, type TextSession } from './engine.ts'

/** Options of {@link classifier}. */
export interface ClassifierOptions extends OnnxModelOptions {
  /** Names of the classes, in the order of the model's output: `id2label` of its `config.json`. */
  readonly labels: readonly string[]
  /** Each class by itself, instead of one of all: probabilities do not add up to 1. @default false */
  readonly multiLabel?: boolean
  /** What the model gives: numbers of which probabilities are yet to be made, or probabilities. @default 'logits' */
  readonly output?: 'logits' | 'probabilities'
}

const classifierRules: OptionRules<ClassifierOptions> = {
  ...textRules,
  labels: {
    expected: 'a list of names',
    accepts: (value: unknown) => Array.isArray(value) && value.length > 0 && value.every((label) => typeof label === 'string'),
  },
  multiLabel: rules.boolean,
  output: rules.oneOf('logits', 'probabilities'),
}

/**
 * A model that classifies texts, in an ONNX file. Needs `onnxruntime-node` and `@huggingface/tokenizers`.
 *
 * @throws {InvalidOption} for a wrong option
 * @example
 * export const { sentiment } = replicas(import.meta.url, {
 *   sentiment: classifier({ model: 'sst2.onnx', tokenizer: 'tokenizer.json', labels: ['negative', 'positive'] }),
 * })
 */
export function classifier(options: ClassifierOptions): Replica<string, Classification> {
  checkOptions<ClassifierOptions>(options, classifierRules, 'classifier')
  const { labels, multiLabel = false, output: given = 'logits' } = options
  return replica({
    kind: 'classify',
    open: ({ threads }) => openTexts(options, threads),
    run: (model: TextSession, texts: string[]): Promise<Classification[]> =>
      model.each(texts, ({ output, lengths }) => {
        const classes = output.dims.at(-1) ?? 0
        if (classes !== labels.length)
          throw new InvalidOption(`The model gives ${classes} scores for a text, and \`labels\` has ${labels.length} names`, {
            hint: "Give all names in the order of the output: `id2label` of the model's config.json.",
          })
        const all = Array.from(output.data, Number)
        return lengths.map((_length, row) => {
          const found = all.slice(row * classes, (row + 1) * classes)
          const scores = given === 'logits' ? probabilities(found, multiLabel) : found
          return labels.map((label, at) => ({ label, score: scores[at] ?? 0 })).toSorted((a, b) => b.score - a.score)
        })
      }),
    cost: (model, text) => model.count(text),
    close: (model) => model.close(),
    warmUp: options.warmUp ?? englishTexts,
  })
}

export function probabilities(logits: readonly number[], multiLabel: boolean): number[] {
  if (multiLabel) return logits.map((logit) => 1 / (1 + Math.exp(-logit)))
  const most = Math.max(...logits)
  const powers = logits.map((logit) => Math.exp(logit - most))
  const sum = powers.reduce((total, power) => total + power, 0)
  return powers.map((power) => power / sum)
}
