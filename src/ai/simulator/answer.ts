/**
 * The answers of the simulated model. It knows a few tricks, so that pipelines make sense offline: it fills in schemas, calls tools,
 * does sums (right as often as `accuracy` says), answers with moods, names and summaries; to anything else it repeats what was asked.
 */
import { estimateTokens } from '../model/tokens.ts'
import { fill } from './fill.ts'
import { entitiesOf, sentencesOf, sentimentOf } from './language.ts'
import type { Draws } from './random.ts'
import { type ModelRequest, question, type RequestTool } from './request.ts'
import type { ModelSettings } from './settings.ts'

export interface Answer {
  /** Empty where tools are called instead. */
  readonly text: string
  readonly calls: readonly ToolCall[]
  readonly tokens: number
  /** It ends where the limit of output tokens cut it. */
  readonly cut: boolean
  /** The stop text that ended it. */
  readonly stoppedBy: string | undefined
}

/** A call of a tool. */
export interface ToolCall {
  readonly tool: string
  /** Its arguments, as JSON; cut where the limit of output tokens cut it. */
  readonly json: string
}

/** @throws {BadRequest} for a schema that cannot be filled in within bounds */
export function answerTo(request: ModelRequest, settings: ModelSettings, draws: Draws): Answer {
  const thought = thoughtOf(request, settings, draws)
  if (typeof thought !== 'string') return callsWithin(thought, request.maxTokens)
  const [stopAt, stoppedBy] = firstStop(thought, request.stop)
  const { text, tokens, cut } = cutTo(thought.slice(0, stopAt), request.maxTokens)
  return { text, calls: [], tokens, cut, stoppedBy: cut ? undefined : stoppedBy }
}

function callsWithin(calls: readonly ToolCall[], maxTokens: number | undefined): Answer {
  const kept: ToolCall[] = []
  let left = maxTokens
  let used = 0
  for (const { tool, json } of calls) {
    const { text, tokens, cut } = cutTo(json, left)
    kept.push({ tool, json: text })
    used += tokens
    if (left !== undefined) left = Math.max(0, left - tokens)
    if (cut) return { text: '', calls: kept, tokens: used, cut, stoppedBy: undefined }
  }
  return { text: '', calls: kept, tokens: used, cut: false, stoppedBy: undefined }
}

function firstStop(text: string, stop: readonly string[]): readonly [at: number, by: string | undefined] {
  let found: readonly [number, string | undefined] = [text.length, undefined]
  for (const one of stop) {
    const at = text.indexOf(one)
    if (at !== -1 && at < found[0]) found = [at, one]
  }
  return found
}

/** What it says before anything cuts it, or which tools it calls. */
function thoughtOf(request: ModelRequest, settings: ModelSettings, draws: Draws): string | readonly ToolCall[] {
  const draw = (): number => draws.uniform()
  const own = settings.answer?.(request, draw)
  if (own !== undefined) return own
  const asked = question(request)
  const calls = callsOf(request, asked)
  if (calls.length > 0)
    return calls.map(({ tool, about }) => ({ tool: tool.name, json: JSON.stringify(fill(tool.parameters, about, draw)) }))
  if (request.json) {
    const content = subjectOf(asked)
    return JSON.stringify(request.schema ? fill(request.schema, content, draw) : { answer: content })
  }
  const text = say(request, asked, settings.accuracy, draws)
  return settings.outputTokens ? ofLength(text, draws.lognormal(settings.outputTokens.median, settings.outputTokens.sigma)) : text
}

/** Calls of one answer, and characters of a question in which they are looked for. Chosen. */
const mostCalls = 16
const mostLooked = 20_000

interface Meant {
  readonly tool: RequestTool
  readonly about: string
}

/** A tool that is forced, or those that the question names, as often as it names them; none once a tool's result is there. */
function callsOf({ tools, forcedTool, messages, parallel }: ModelRequest, asked: string): readonly Meant[] {
  if (tools.length === 0 || messages.at(-1)?.role === 'tool') return []
  const forced = forcedTool === 'any' ? tools[0] : tools.find((tool) => tool.name === forcedTool)
  if (forcedTool !== undefined && forcedTool !== 'any') return forced ? [{ tool: forced, about: asked }] : []
  const named = namedIn(asked.slice(0, mostLooked), tools)
  const [first] = named
  if (!first) return forced ? [{ tool: forced, about: asked }] : []
  // One is about all of the question, each of several about what stands behind its name.
  if (!parallel || named.length === 1) return [{ tool: first.tool, about: asked }]
  return named.map(({ tool, at }, i) => ({ tool, about: asked.slice(at, named[i + 1]?.at) }))
}

/** The tools that a text names, in its order, and where. The longest name counts: `search_web` is not `search`. */
function namedIn(text: string, tools: readonly RequestTool[]): readonly { readonly tool: RequestTool; readonly at: number }[] {
  const lower = text.toLowerCase()
  const longestFirst = tools.filter(({ name }) => name !== '').toSorted((a, b) => b.name.length - a.name.length)
  const found: { tool: RequestTool; at: number }[] = []
  for (const tool of longestFirst) {
    const name = tool.name.toLowerCase()
    for (let at = lower.indexOf(name); at !== -1 && found.length < mostCalls; at = lower.indexOf(name, at + name.length)) {
      const isInLonger = found.some((other) => at >= other.at && at < other.at + other.tool.name.length)
      if (!isInLonger && !/[\p{L}\p{N}]/u.test(lower[at - 1] ?? ' ')) found.push({ tool, at })
    }
  }
  return found.toSorted((a, b) => a.at - b.at)
}

/** Bounded, and never begun inside of a number: a text of digits is read once. */
const sum = /(?<!\d)(-?\d{1,15})\s{0,8}([+\-*×])\s{0,8}(-?\d{1,15})/

function say(request: ModelRequest, asked: string, accuracy: number, draws: Draws): string {
  const last = request.messages.at(-1)
  if (last?.role === 'tool') return `The tool says: ${resultsOf(request).join('\n')}`
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

/** The results at the end of a conversation, in their order. */
function resultsOf({ messages }: ModelRequest): readonly string[] {
  return messages.slice(messages.findLastIndex(({ role }) => role !== 'tool') + 1).map(({ text }) => text)
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

/** The text that an instruction is about: the one after it, or all when there is only one block. */
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
