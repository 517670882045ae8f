/**
 * Gemini's batches, with the requests inside the call that makes them: 20 MB at most (its guide, 2026). `displayName` is what they are found by. Results
 * come in the order of the requests; the key of each is given back by some versions only.
 */
import { isList, peek } from '../../../base/look.js'
import type { BatchApi, BatchResult } from './batch-api.ts'

const pagesMost = 50

export const geminiBatch: BatchApi = {
  name: 'gemini',
  limits: { requests: 50_000, bytes: 18 * 1_000_000 },
  texts: 1,

  async submit(http, requests, { endpoint }, key) {
    const inlined = requests.map(({ id, body }) => `{"request":${body},"metadata":{"key":${JSON.stringify(id)}}}`).join(',')
    const body = `{"batch":{"displayName":${JSON.stringify(key)},"inputConfig":{"requests":{"requests":[${inlined}]}}}}`
    const made = await http.postOnce(endpoint, body)
    return String(made['name'])
  },

  async find(http, { key }) {
    let token = ''
    for (let page = 0; page < pagesMost; page++) {
      const { operations, nextPageToken: next } = await http.get(`/batches?pageSize=100${token}`)
      for (const operation of isList(operations) ? (operations as readonly unknown[]) : [])
        if (peek(peek(operation, 'metadata'), 'displayName') === key) return { id: String(peek(operation, 'name')) }
      if (typeof next !== 'string' || next === '') return 'none'
      token = `&pageToken=${encodeURIComponent(next)}`
    }
    return 'unknown'
  },

  async state(http, id) {
    const raw = await http.get(`/${id}`)
    const state = String(peek(raw['metadata'], 'state') ?? '')
    const done = Number(peek(peek(raw['metadata'], 'batchStats'), 'successfulRequestCount') ?? 0)
    if (state.endsWith('_FAILED')) {
      const problem = { code: 'failed', message: String(peek(raw['error'], 'message') ?? 'The batch failed') }
      return { status: 'failed', done, problem, raw }
    }
    const isOver = raw['done'] === true || /_(?:SUCCEEDED|CANCELLED|EXPIRED)$/.test(state)
    return { status: isOver ? 'ended' : 'running', done, raw }
  },

  // oxlint-disable-next-line require-await -- the others wait for a file
  async *results(_, { raw }, ids) {
    const holder = peek(raw['response'], 'inlinedResponses') ?? peek(peek(raw['metadata'], 'output'), 'inlinedResponses')
    const list = isList(holder) ? holder : peek(holder, 'inlinedResponses')
    for (const [index, entry] of (isList(list) ? (list as readonly unknown[]) : []).entries()) {
      const id = String(peek(peek(entry, 'metadata'), 'key') ?? ids[index])
      yield resultOf(id, entry)
    }
  },

  async cancel(http, id) {
    await http.post(`/${id}:cancel`)
  },
}

function resultOf(id: string, entry: unknown): BatchResult {
  const response = peek(entry, 'response')
  if (response !== undefined) return { id, status: 200, body: response }
  const error = peek(entry, 'error')
  const status = String(peek(error, 'status') ?? '')
  if (status === 'CANCELLED') return { id, lost: 'cancelled' }
  const code = Number(peek(error, 'code') ?? 500)
  return { id, status: code >= 400 && code < 600 ? code : 500, body: { error } }
}
