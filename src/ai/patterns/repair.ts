/**
 * Answers that do not match their schema: taken where only a fence of Markdown or some words around the JSON are too much, else asked for again with what is
 * wrong. The wrong answer goes along, so that the model mends it instead of answering anew.
 */
import { isError } from '../../base/errors.ts'
import { isList, messageOf, peek } from '../../base/look.js'
import { deepestCause } from '../pool/answer.ts'
import { pathOf } from './schema.ts'

/** Issues that the model gets to see, and characters of its answer that are sent back. Chosen. */
const issuesMost = 20
const answerMost = 20_000
/** A longer answer is not searched for JSON. Chosen. */
const searchedMost = 1_000_000

/** A message as the AI SDK takes it. */
export interface Message {
  readonly role: 'user' | 'assistant'
  readonly content: unknown
}

/** The conversation that asks again. @param asked what was asked, the first question first @param answer what did not match @param error what says why */
export function askedAgain(asked: readonly Message[], answer: string, error: unknown): readonly Message[] {
  const said = answer.trim() === '' ? '(an empty answer)' : answer.slice(0, answerMost)
  const complaint = [
    'Your answer does not match the schema:',
    ...issuesOf(error).map((issue) => `- ${issue}`),
    'Answer again with the whole JSON, corrected, and nothing else.',
  ].join('\n')
  return [...asked, { role: 'assistant', content: said }, { role: 'user', content: complaint }]
}

/** Every place that does not match, with the reason; at least one line. */
export function issuesOf(error: unknown): readonly string[] {
  let found: readonly string[] = []
  let at: unknown = error
  for (let depth = 0; isError(at) && depth < deepestCause; at = peek(at, 'cause'), depth++) {
    for (const list of [peek(at, 'issues'), peek(at, 'cause')])
      if (isList(list) && list.length > 0) found = list.slice(0, issuesMost).map(issueText)
  }
  return found.length > 0 ? found : [isError(error) ? deepestMessage(error) : 'It is not JSON.']
}

function issueText(issue: unknown): string {
  const path = pathOf(issue)
  return `${path === '' ? 'the answer' : path}: ${messageOf(issue)}`
}

function deepestMessage(error: Error): string {
  let message = messageOf(error)
  for (let at: unknown = error, depth = 0; isError(at) && depth < deepestCause; at = peek(at, 'cause'), depth++)
    message = messageOf(at)
  return message.slice(0, 500)
}

/**
 * The JSON in a text that has more than that: what a fence of Markdown encloses, or what lies between the first bracket and the last. Undefined
 * where there is none, or where the text is nothing else.
 */
export function jsonWithin(text: string): unknown {
  if (text.length > searchedMost) return undefined
  const fence = text.indexOf('```')
  const fenced = fence === -1 ? '' : text.slice(text.indexOf('\n', fence) + 1, text.indexOf('```', fence + 3))
  const start = text.search(/[[{]/)
  const end = Math.max(text.lastIndexOf(']'), text.lastIndexOf('}'))
  const enclosed = start === -1 || end < start ? '' : text.slice(start, end + 1)
  for (const candidate of [fenced, enclosed]) {
    if (candidate.trim() === '' || candidate === text) continue
    try {
      return JSON.parse(candidate) as unknown
    } catch {
      // Not this one.
    }
  }
  return undefined
}
