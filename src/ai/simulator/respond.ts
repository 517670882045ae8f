/** Sends one planned answer over HTTP: at the planned times, in pieces when it is streamed, and broken off where it is to break. */
import { clearTimeout, performance, setTimeout } from '../../base/globals.js'
import type { ServerResponse } from 'node:http'
import type { Account, Plan } from './account.ts'
import type { ModelRequest } from './request.ts'
import type { Piece, Reply, Wire } from './wire.ts'

export interface Sending {
  readonly response: ServerResponse
  readonly request: ModelRequest
  readonly plan: Plan
  readonly wire: Wire
  readonly account: Account
  readonly headers: Record<string, string>
  /** Simulated milliseconds. */
  now(): number
  /** Real milliseconds per simulated one. */
  readonly pace: number
}

/** Resolves when the answer is sent, broken off, or the caller has gone. */
export async function respond(sending: Sending): Promise<void> {
  const { plan, account, response } = sending
  const gone = new Promise<true>((resolve) => response.once('close', () => resolve(true)))
  let share = 0
  try {
    share = await (sending.request.stream ? streamed(sending, gone) : whole(sending, gone))
  } finally {
    account.ended(plan, share, sending.now())
  }
}

async function whole(sending: Sending, gone: Promise<true>): Promise<number> {
  const { plan, response, wire, pace } = sending
  if (plan.hangs) await gone
  const end = plan.firstTokenMs + plan.outputTokens * plan.tokenMs
  if (await pause(plan.firstTokenMs * pace, gone)) return 0
  sending.account.began(plan, sending.now())
  if (await pause((end - plan.firstTokenMs) * (plan.breaksAt ?? 1) * pace, gone)) return 0
  const body = JSON.stringify(wire.whole(replyOf(sending)))
  response.writeHead(200, { ...sending.headers, 'content-type': 'application/json' })
  if (plan.breaksAt !== undefined) {
    response.write(body.slice(0, Math.floor(body.length * plan.breaksAt)))
    await flushed(response)
    response.destroy()
    return plan.breaksAt
  }
  response.end(body)
  return 1
}

async function streamed(sending: Sending, gone: Promise<true>): Promise<number> {
  const { plan, response, wire, pace } = sending
  if (plan.hangs) await gone
  if (await pause(plan.firstTokenMs * pace, gone)) return 0
  sending.account.began(plan, sending.now())
  const reply = replyOf(sending)
  response.writeHead(200, { ...sending.headers, 'content-type': 'text/event-stream', 'cache-control': 'no-cache' })
  response.write(wire.open(reply).join(''))
  const pieces = plan.answers.flatMap(({ text, calls }, answer) =>
    calls.length === 0 ? piecesOf(text, answer, 0) : calls.flatMap(({ json }, call) => piecesOf(json, answer, call)),
  )
  const start = performance.now()
  const totalMs = plan.outputTokens * plan.tokenMs * pace
  const last = plan.breaksAt === undefined ? pieces.length : Math.floor(pieces.length * plan.breaksAt)
  for (let i = 0; i < last; i++) {
    const due = start + (totalMs * i) / pieces.length
    const late = due - performance.now()
    // Node's timers have steps of a millisecond: pieces that are due by now leave together.
    if (late >= 1 && (await pause(late, gone))) return i / pieces.length
    response.write(wire.piece(reply, pieces[i] as Piece).join(''))
  }
  if (plan.breaksAt !== undefined) return breakOff(sending, reply, last / Math.max(1, pieces.length))
  if (await pause(start + totalMs - performance.now(), gone)) return 1
  response.end(wire.close(reply).join(''))
  return 1
}

/** At least one, so that an empty text begins and ends, too. */
function piecesOf(text: string, answer: number, call: number): readonly Piece[] {
  const parts = text.match(/\s*\S{1,24}|\s+$/gu) ?? ['']
  return parts.map((part, i) => ({ text: part, answer, call, first: i === 0, last: i === parts.length - 1 }))
}

/** Half of the streams that break say so; the others just end. */
async function breakOff({ response, plan, wire }: Sending, reply: Reply, share: number): Promise<number> {
  if ((plan.breaksAt as number) < 0.5) response.end(wire.streamError(reply, 'The stream broke in the middle.'))
  else {
    await flushed(response)
    response.destroy()
  }
  return share
}

function replyOf({ plan, request }: Sending): Reply {
  let events = 0
  return {
    id: plan.id,
    model: request.model,
    answers: plan.answers,
    usage: { input: plan.inputTokens, output: plan.outputTokens, cached: plan.cache.read, written: plan.cache.written },
    includeUsage: request.includeUsage,
    sequence: () => events++,
  }
}

/** True when the caller went away first. */
async function pause(ms: number, gone: Promise<true>): Promise<boolean> {
  if (ms <= 0) return false
  let timer: NodeJS.Timeout | undefined
  const waited = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, ms, false)
  })
  // `gone` ends with the response, so racing it holds nothing for long.
  const result = await Promise.race([waited, gone])
  clearTimeout(timer)
  return result
}

function flushed(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, response.writableLength > 0 ? 5 : 1))
}
