import { expect, test } from 'vitest'
import { makeTraceOf } from '../../../test/support/traces.ts'
import { TraceEncoder } from '../../trace/format/encode.ts'
import { joined } from '../../trace/format/joined.ts'
import { Recording } from '../model/recording.ts'
import type { Tick } from '../protocol.ts'
import { serve } from './serve.ts'

const task = (id: number) => ({ id, name: 'work', startedAt: id, settledAt: id + 1 })

test('counts go on while a program needs every core, and nobody is told to ask', async () => {
  const recording = new Recording({ write: () => [] })
  const encoder = new TraceEncoder()
  const meta = { complete: false, cores: 2 }
  const samples = [{ at: 0, busy: 1, cores: 2 }]
  const state = (done: number) => makeTraceOf({ tasks: Array.from({ length: done }, (_, i) => task(i + 1)), samples, meta })
  recording.push(joined([...encoder.begin(state(1).meta), ...encoder.next(state(1))]))
  const server = await serve(recording)
  try {
    const response = await fetch(`http://127.0.0.1:${server.port}/api/changes?token=${server.token}`)
    const ticks = ticksOf(response)
    const next = async (): Promise<Tick> => (await ticks.next()).value as Tick
    const first = await next()
    expect(first.counts.done).toBe(1)
    // The first change is told at once, because nothing was told for long; then everything but counts rests.
    const more = (done: number): void => recording.push(joined(encoder.next(state(done))))
    more(2)
    let change = await next()
    while (change.counts.done < 2) change = await next()
    more(3)
    let counted = await next()
    while (counted.counts.done < 3) counted = await next()
    expect(counted.version).toBe(change.version)
    expect(recording.version).toBeGreaterThan(counted.version)
    recording.end()
    let last = await next()
    while (last.live) last = await next()
    expect(last.version).toBe(recording.version)
    await ticks.return(undefined)
  } finally {
    await server.close()
  }
})

async function* ticksOf(response: Response): AsyncGenerator<Tick, void> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const bytes of response.body as unknown as AsyncIterable<Uint8Array>) {
    text += decoder.decode(bytes, { stream: true })
    for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
      yield JSON.parse(text.slice('data: '.length, end)) as Tick
      text = text.slice(end + 2)
    }
  }
}
