/**
 * The answers of the simulated model. It knows a few tricks, so that pipelines make sense offline: it fills in schemas, calls tools,
 * does sums (right as often as `accuracy` says), answers with moods, names and summaries; to anything else it repeats what was asked.
 */
import { estimateTokens } from '../model/tokens.ts'
import { fill } from './fill.ts'
import { entitiesOf, sentencesOf, sentimentOf } from './language.ts'
import type { Draws } from './random.ts'
import { type ModelRequest, question } from './request.ts'
import type { ModelSettings } from './settings.ts'

export interface Answer {
  /** The text, or the JSON of the tool's arguments. */
  readonly text: string
  /** The tool that is called instead of answering. */
  readonly tool: string | undefined
  readonly tokens: number
  /** It ends where the limit of output tokens cut it. */
  readonly cut: boolean
  /** The stop text that ended it. */
  readonly stoppedBy: string | undefined
}

/** @throws {BadRequest} for a schema that cannot be filled in within bounds */
export function answerTo(request: ModelRequest, settings: ModelSettings, draws: Draws): Answer {
  const { text, tool } = thoughtOf(request, settings, draws)
  const [stopAt, stoppedBy] = tool === undefined ? firstStop(text, request.stop) : [text.length, undefined]
  const { text: short, tokens, cut } = cutTo(text.slice(0, stopAt), request.maxTokens)
  return { text: short, tool, tokens, cut, stoppedBy: cut ? undefined : stoppedBy }
}

function firstStop(text: string, stop: readonly string[]): readonly [at: number, by: string | undefined] {
  let found: readonly [number, string | undefined] = [text.length, undefined]
  for (const one of stop) {
    const at = text.indexOf(one)
    if (at !== -1 && at < found[0]) found = [at, one]
  }
  return found
}

/** What it says before anything cuts it. */
function thoughtOf(request: ModelRequest, settings: ModelSettings, draws: Draws): Pick<Answer, 'text' | 'tool'> {
  const draw = (): number => draws.uniform()
  const own = settings.answer?.(request, draw)
  if (own !== undefined) return { text: own, tool: undefined }
  const asked = question(request)
  const tool = toolFor(request)
  if (tool) return { text: JSON.stringify(fill(tool.parameters, asked, draw)), tool: tool.name }
  if (request.json) {
    const content = subjectOf(asked)
    return { text: JSON.stringify(request.schema ? fill(request.schema, content, draw) : { answer: content }), tool: undefined }
  }
  const text = say(request, asked, settings.accuracy, draws)
  return {
    text: settings.outputTokens
      ? ofLength(text, draws.lognormal(settings.outputTokens.median, settings.outputTokens.sigma))
      : text,
    tool: undefined,
  }
}

/** A tool that is forced, or that the question names; none once a tool's result is there. */
function toolFor(request: ModelRequest): ModelRequest['tools'][number] | undefined {
  if (request.tools.length === 0 || request.messages.at(-1)?.role === 'tool') return undefined
  if (request.forcedTool === 'any') return request.tools[0]
  if (request.forcedTool !== undefined) return request.tools.find((tool) => tool.name === request.forcedTool)
  const asked = question(request).toLowerCase()
  return request.tools.find((tool) => asked.includes(tool.name.toLowerCase()))
}

/** Bounded, and never begun inside of a number: a text of digits is read once. */
const sum = /(?<!\d)(-?\d{1,15})\s{0,8}([+\-*×])\s{0,8}(-?\d{1,15})/

function say(request: ModelRequest, asked: string, accuracy: number, draws: Draws): string {
  const last = request.messages.at(-1)
  if (last?.role === 'tool') return `The tool says: ${last.text}`
  const calculation = sum.exec(asked)
  if (calculation) return String(calculate(calculation, accuracy, draws))
  const task = `${request.messages.find((message) => message.role === 'system')?.text ?? ''} ${taskOf(asked)}`.toLowerCase()
  const subject = subjectOf(asked)
  if (/sentiment|mood|tone/.test(task)) return sentimentOf(subject)
  if (/entit|names?\b|people|places/.test(task)) return entitiesOf(subject).join(', ') || 'none'
  if (/summar|condense|shorten|combine|merge|key points/.test(task)) return summary(subject)
  const content = summary(subject)
  return content === summary(asked) ? `You asked: ${content}` : `${taskOf(asked).trim().replace(/[.:]$/, '')}: ${content}`
}

/** Right with the given probability; else one of a few near misses, some likelier than others, as samples of a model are. */
function calculate([, a, operator, b]: RegExpExecArray, accuracy: number, draws: Draws): number {
  const [x, y] = [Number(a), Number(b)]
  const right = operator === '+' ? x + y : operator === '-' ? x - y : x * y
  if (draws.happens(accuracy)) return right
  return right + draws.pick([1, 1, 1, -1, -1, 10, -10, 2])
}

/** Content in tags, and the question after it: long content comes first where a prompt cache is used. */
const tagged = /^<content>\n([\s\S]*)\n<\/content>\s*([\s\S]+)$/

/** The instruction: what stands before the first blank line or colon at the end of a line. */
function taskOf(asked: string): string {
  const question = tagged.exec(asked)?.[2]
  if (question !== undefined) return question
  return asked.split(/\n\s*\n|:\s*\n/, 1)[0] ?? asked
}

/** What the instruction is about: the text after it, or all when there is only one block. */
function subjectOf(asked: string): string {
  const content = tagged.exec(asked)?.[1]
  if (content !== undefined) return content
  const task = taskOf(asked)
  const rest = asked.slice(task.length).replace(/^[\s:]+/, '')
  return rest === '' ? task.replace(/^[^:]{0,80}:\s*/, '') : rest
}

/** The first sentence of every paragraph. */
function summary(text: string): string {
  const first = text.split(/\n\s*\n/).map((paragraph) => sentencesOf(paragraph)[0] ?? '')
  return first.filter((sentence) => sentence !== '').join(' ')
}

/** The text cut or repeated to about that many tokens. */
function ofLength(text: string, tokens: number): string {
  const characters = Math.max(1, Math.round(tokens)) * 4
  if (text.length >= characters) return text.slice(0, characters)
  const filler = ' and so on, as the simulation has nothing else to say'
  return text + filler.repeat(Math.ceil((characters - text.length) / filler.length)).slice(0, characters - text.length)
}

/** The first `maxTokens` tokens of a text, and how many it has then. */
export function cutTo(text: string, maxTokens: number | undefined): { text: string; tokens: number; cut: boolean } {
  const tokens = estimateTokens(text)
  if (maxTokens === undefined || tokens <= maxTokens) return { text, tokens, cut: false }
  let [fits, tooLong] = [0, text.length]
  while (fits + 1 < tooLong) {
    const middle = (fits + tooLong) >> 1
    if (estimateTokens(text.slice(0, middle)) <= maxTokens) fits = middle
    else tooLong = middle
  }
  // Never inside a surrogate pair.
  const last = text.charCodeAt(fits - 1)
  const short = text.slice(0, last >= 0xd800 && last <= 0xdbff ? fits - 1 : fits)
  return { text: short, tokens: estimateTokens(short), cut: true }
}
