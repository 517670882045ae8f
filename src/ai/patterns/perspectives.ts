/** Several analyses of one content at once. */
import { describe, InvalidOption } from '../../base/errors.ts'
import type { TaskContext } from '../../base/frame.ts'
import { checkOptions, rules } from '../../base/options.ts'
import { all } from '../../run/all.ts'
import { keepPartial, partialResults } from '../../run/failure.ts'
import { checkpointRule } from '../../checkpoint/index.ts'
import { type RunOptions, runRules } from '../../run/group.ts'
import { type AskOptions, askParts, type ProviderOptions, type PromptPart } from './ask.ts'
import type { AnyLanguageModel } from '../model/sdk-model.ts'
import { type Checkpointed, withOnce } from './once.ts'
import type { StandardSchema } from './schema.ts'

/** A question about the content, for the model of the options or its own. */
export interface Question<T = unknown> {
  readonly prompt: string
  /** What the answer must be. @default text */
  readonly schema?: StandardSchema<T>
  readonly model?: AnyLanguageModel
  /** What only one provider knows, as in `ask`. @default those of the options */
  readonly providerOptions?: ProviderOptions
  /** As in `ask`. @default 2 */
  readonly repair?: number
}

/** A function of the content, or a question about it. */
export type View<C> = ((content: C, context: TaskContext) => unknown) | Question

type Seen<V> = V extends (...args: never[]) => infer R
  ? Awaited<R>
  : V extends { readonly schema: StandardSchema<infer T> }
    ? T
    : string
/** What {@link perspectives} gives: an answer by name. */
export type Perspectives<V> = { -readonly [K in keyof V]: Seen<V[K]> }
/** What {@link perspectives} gives with `onFailure: 'settle'`. */
export type SettledPerspectives<V> = { -readonly [K in keyof V]: PromiseSettledResult<Seen<V[K]>> }

/** Options of {@link perspectives}. */
export interface PerspectivesOptions extends RunOptions, Checkpointed {
  /** Answers the questions that do not name a model. */
  readonly model?: AnyLanguageModel
  /**
   * Runs the first view alone before the others, so that these find the content in the provider's prompt cache. Worth it where
   * the content is long (from 1,024 tokens up) and cached input is cheaper. Providers that cache only on request (Anthropic) are
   * asked to. Questions with different schemas may have different beginnings there, and share nothing. @default false
   */
  readonly warm?: boolean
  /** Goes with every question, as in `ask`. @default none */
  readonly providerOptions?: ProviderOptions
  /** As in `all`. @default 'stop' */
  readonly onFailure?: 'stop' | 'settle'
}

const perspectivesRules = {
  ...runRules,
  checkpoint: checkpointRule,
  model: rules.object,
  warm: rules.boolean,
  providerOptions: rules.object,
  onFailure: rules.oneOf('stop', 'settle'),
}

/**
 * Looks at one content from several sides at once; takes as long as the slowest view.
 *
 * @param views by name: functions of the content, or questions for a model. A question's prompt starts with the content, so that
 *   all of them share one cached beginning
 * @throws the first failure; `partialResults(error)` has the views that were ready
 *
 * @example
 * const { sentiment, entities } = await perspectives(review, {
 *   sentiment: { prompt: 'What is the sentiment?', schema: z.object({ sentiment: z.enum(['positive', 'negative']) }) },
 *   entities: (text) => extractEntities(text),
 * }, { model })
 */
export function perspectives<C, const V extends Readonly<Record<string, View<C>>>>(
  content: C,
  views: V,
  options: PerspectivesOptions & { readonly onFailure: 'settle' },
): Promise<SettledPerspectives<V>>
export function perspectives<C, const V extends Readonly<Record<string, View<C>>>>(
  content: C,
  views: V,
  options?: PerspectivesOptions,
): Promise<Perspectives<V>>
export async function perspectives<C>(
  content: C,
  views: Readonly<Record<string, View<C>>>,
  options: PerspectivesOptions = {},
): Promise<unknown> {
  checkOptions<PerspectivesOptions>(options, perspectivesRules, 'perspectives')
  const { model, warm = false, providerOptions, onFailure = 'stop', checkpoint, ...run } = options
  const common = { model, warm, providerOptions }
  const tasks = Object.entries(views).map(([name, view]): [string, Task] => [name, taskOf(name, view, content, common)])
  return withOnce(checkpoint, 'perspectives', (once) => {
    const about = tasks.map(([name, task]): [string, Task] => [name, (context) => once(name, content, () => task(context))])
    return look(Object.fromEntries(about), warm, run, onFailure)
  })
}

async function look(
  tasks: Readonly<Record<string, Task>>,
  warm: boolean,
  run: RunOptions,
  onFailure: 'stop' | 'settle',
): Promise<unknown> {
  const [first, ...others] = Object.keys(tasks)
  if (!warm || others.length === 0) return together(tasks, run, onFailure)
  const alone = await together({ [first as string]: tasks[first as string] as Task }, run, onFailure)
  try {
    return {
      ...alone,
      ...(await together(Object.fromEntries(others.map((name) => [name, tasks[name] as Task])), run, onFailure)),
    }
  } catch (error) {
    const partial = partialResults(error)
    if (partial) keepPartial(error, { ...partial, results: { ...alone, ...partial.results }, completed: partial.completed + 1 })
    throw error
  }
}

type Task = (context: TaskContext) => unknown

function together(tasks: Record<string, Task>, run: RunOptions, onFailure: 'stop' | 'settle'): Promise<Record<string, unknown>> {
  const options = { name: 'perspectives', ...run }
  return onFailure === 'settle' ? all(tasks, { ...options, onFailure }) : all(tasks, options)
}

/** What holds for every question. */
interface Asking {
  readonly model: AnyLanguageModel | undefined
  readonly warm: boolean
  readonly providerOptions: ProviderOptions | undefined
}

function taskOf<C>(name: string, view: View<C>, content: C, common: Asking): Task {
  if (typeof view === 'function') return (context) => view(content, context)
  const { prompt, schema, model = common.model, providerOptions = common.providerOptions, repair } = view ?? {}
  if (typeof prompt !== 'string') {
    throw new InvalidOption(
      `Expected view \`${name}\` of perspectives to be a function or a question with a \`prompt\`, got ${describe(view)}`,
    )
  }
  if (!model) throw new InvalidOption(`Expected a \`model\` for view \`${name}\` of perspectives, got none`)
  if (typeof content !== 'string')
    throw new InvalidOption(`Expected perspectives to get a text for its questions, got ${describe(content)}`)
  const question = common.warm ? cachedContent(content, prompt) : aboutContent(content, prompt)
  const options: AskOptions<unknown> = {
    ...(schema && { schema }),
    ...(providerOptions && { providerOptions }),
    ...(repair !== undefined && { repair }),
  }
  return ({ signal }) => askParts(model, question, { ...options, signal })
}

/** The content first: providers cache beginnings. */
export function aboutContent(content: string, prompt: string): string {
  return `${inTags(content)}\n\n${prompt}`
}

/** The same in two parts, with the request to cache up to the end of the content. Other providers do not look at it. */
function cachedContent(content: string, prompt: string): readonly PromptPart[] {
  return [
    { type: 'text', text: inTags(content), providerOptions: { anthropic: { cacheControl: { type: 'ephemeral' } } } },
    { type: 'text', text: prompt },
  ]
}

function inTags(content: string): string {
  return `<content>\n${content}\n</content>`
}
