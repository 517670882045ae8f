/**
 * Events as the stream of a message that the AI SDK's user interfaces read (`useChat`, `readUIMessageStream`): a text part per branch and call, tools
 * as dynamic tools, runs and tasks as data parts that are updated in place. A client that connects again reads the whole message from its beginning.
 */
import type { AgentEvent } from './events.ts'

/** A chunk of the AI SDK's `UIMessageChunk`, as far as they are made here. */
export type UiChunk = { readonly type: string } & Readonly<Record<string, unknown>>

/** Turns events into chunks. A state machine: it knows which parts are open. */
export class UiChunks {
  readonly #open = new Map<string, 'text' | 'reasoning'>()
  readonly #messageId: string

  constructor(messageId: string) {
    this.#messageId = messageId
  }

  begin(): UiChunk[] {
    return [{ type: 'start', messageId: this.#messageId }, { type: 'start-step' }]
  }

  of(event: AgentEvent): UiChunk[] {
    switch (event.type) {
      case 'text':
      case 'reasoning':
        return this.#delta(event.type, idOf(event.branch, event.call), event.delta)
      case 'text-end':
        return this.#end('text', idOf(event.branch, event.call))
      case 'reasoning-end':
        return this.#end('reasoning', idOf(event.branch, event.call))
      case 'tool-start': {
        const { call: toolCallId, tool: toolName, input } = event
        return [{ type: 'tool-input-available', toolCallId, toolName, input, dynamic: true }]
      }
      case 'tool-end':
        return [{ type: 'tool-output-available', toolCallId: event.call, output: event.output, dynamic: true }]
      case 'tool-failed':
        return [{ type: 'tool-output-error', toolCallId: event.call, errorText: event.error, dynamic: true }]
      case 'end':
        return this.#finish(event.state === 'failed' ? (event.error ?? 'The work failed') : undefined)
      default:
        return dataOf(event)
    }
  }

  #delta(kind: 'text' | 'reasoning', part: string, delta: string): UiChunk[] {
    const id = `${kind}:${part}`
    const begins = this.#open.has(id) ? [] : [{ type: `${kind}-start`, id }]
    this.#open.set(id, kind)
    return [...begins, { type: `${kind}-delta`, id, delta }]
  }

  #end(kind: 'text' | 'reasoning', part: string): UiChunk[] {
    const id = `${kind}:${part}`
    return this.#open.delete(id) ? [{ type: `${kind}-end`, id }] : []
  }

  #finish(error: string | undefined): UiChunk[] {
    const ends = [...this.#open].map(([id, kind]) => ({ type: `${kind}-end`, id }))
    this.#open.clear()
    return [
      ...ends,
      ...(error === undefined ? [] : [{ type: 'error', errorText: error }]),
      { type: 'finish-step' },
      { type: 'finish' },
    ]
  }
}

function idOf(branch: string, call: string): string {
  return branch === '' ? call : `${branch}#${call}`
}

/** One data part per run, task and question; a later event about the same takes the place of the earlier. */
function dataOf(event: AgentEvent): UiChunk[] {
  const { seq: _, at: _at, type, ...data } = event
  switch (event.type) {
    case 'run-start':
    case 'run-end':
      return [{ type: 'data-run', id: `run-${event.run}`, data: { state: 'running', ...data } }]
    case 'task-start':
    case 'task-end':
      return [{ type: 'data-task', id: `task-${event.run}-${event.task}`, data: { state: 'running', ...data } }]
    case 'question':
      return [{ type: 'data-question', id: `question-${event.id}`, data }]
    case 'answer':
      return [{ type: 'data-answer', id: `answer-${event.id}`, data }]
    default:
      return [{ type: `data-${type}`, data, transient: true }]
  }
}
