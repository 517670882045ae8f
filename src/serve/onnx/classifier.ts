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
}

const classifierRules: OptionRules<ClassifierOptions> = {
  ...textRules,
  labels: {
    expected: 'a list of names',
    accepts: (value: unknown) => Array.isArray(value) && value.length > 0 && value.every((label) => typeof label === 'string'),
  },
  multiLabel: rules.boolean,
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
  const { labels, multiLabel = false } = options
  return replica({
    kind: 'classify',
    open: ({ threads }) => openTexts(options, threads),
    async run(model: TextSession, texts: string[]): Promise<Classification[]> {
      const { output } = await model.run(texts)
      const logits = Array.from(output.data, Number)
      return texts.map((_text, row) => {
        const scores = probabilities(logits.slice(row * labels.length, (row + 1) * labels.length), multiLabel)
        return labels.map((label, at) => ({ label, score: scores[at] ?? 0 })).toSorted((a, b) => b.score - a.score)
      })
    },
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
