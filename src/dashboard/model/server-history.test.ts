import { expect, test } from 'vitest'
import { serve } from '../../serve/index.ts'
import { serverSource } from '../client.ts'
import { serve as servePage } from '../server/serve.ts'
import { Recording } from './recording.ts'
import { ServerHistory } from './server-history.ts'

test('the page gets how a server stands and stood, and nothing of what it does not watch', async () => {
  await using server = await serve({ models: { shout: (text: string) => text.toUpperCase() } }).listen()
  const history = new ServerHistory()
  expect(history.view()).toBeUndefined()
  const page = await servePage(new Recording({ write: () => [] }), { standing: history })
  try {
    const source = serverSource(`http://127.0.0.1:${page.port}`, page.token)
    expect(await source.server?.()).toBeUndefined()
    await fetch(`${server.url}/v1/run/shout`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '"x"' })
    for (let i = 0; i < 1_000; i++) history.push(server.snapshot())
    const view = await source.server?.()
    expect(view?.snapshot.models).toMatchObject([{ counts: { requests: 1, answered: 1 }, stats: { name: 'shout', answered: 1 } }])
    // A quarter of an hour, and no more.
    expect(Object.values(view?.history ?? {}).map((list: readonly unknown[]) => list.length)).toEqual(
      Array.from({ length: 12 }, () => 900),
    )
  } finally {
    await page.close()
  }
})
