import { connect } from 'node:net'
import { once } from 'node:events'
import OpenAI, { APIError, NotFoundError, RateLimitError } from 'openai'
import { expect, test } from 'vitest'
import { BadRequest } from '../bad-request.ts'
import { type ListenOptions, type RunningServer, serve } from './service.ts'
import type { ServeOptions } from './settings/options.ts'
import type { ChatRequest, ChatResult, ChatTool } from '../kinds.ts'

/** Eight numbers from the letters of a text: equal texts, equal vectors. */
const letters = (text: string): number[] => Array.from({ length: 8 }, (_, i) => (text.charCodeAt(i % text.length) % 32) / 32)
const embed = { kind: 'embeddings', run: letters, cost: (text: string) => text.split(' ').length } as const
const echo = {
  kind: 'chat',
  async *stream({ messages }: ChatRequest) {
    for (const word of (messages.at(-1)?.content ?? '').split(' ')) yield `${word} `
  },
} as const

async function started(options: ServeOptions, listen: ListenOptions = {}): Promise<RunningServer> {
  const server = await serve(options).listen({ warn: () => undefined, ...listen })
  await server.ready
  return server
}

const post = (server: RunningServer, path: string, body: unknown, init: RequestInit = {}): Promise<Response> =>
  fetch(`${server.url}${path}`, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    ...init,
    headers: { 'content-type': 'application/json', ...init.headers },
  })

const openai = (server: RunningServer, apiKey = 'none'): OpenAI => new OpenAI({ baseURL: server.baseURL, apiKey, maxRetries: 0 })

test("the client of OpenAI gets embeddings, in its own base64 and as numbers, and models' names", async () => {
  await using server = await started({ models: { letters: embed } })
  const client = openai(server)
  const found = await client.embeddings.create({ model: 'letters', input: ['a b', 'cd'] })
  expect(found.data.map(({ embedding }) => embedding)).toEqual([letters('a b'), letters('cd')])
  expect(found.usage).toEqual({ prompt_tokens: 3, total_tokens: 3 })
  const plain = await client.embeddings.create({ model: 'letters', input: 'cd', encoding_format: 'float', dimensions: 8 })
  expect(plain.data[0]?.embedding).toEqual(letters('cd'))
  const names: string[] = []
  for await (const model of client.models.list()) names.push(model.id)
  expect(names).toEqual(['letters'])
  expect(await client.models.retrieve('letters')).toMatchObject({ object: 'model', kind: 'embeddings' })
  await expect(client.embeddings.create({ model: 'other', input: 'x' })).rejects.toBeInstanceOf(NotFoundError)
})

test('the client of OpenAI gets chats, whole and streamed, with usage and stops', async () => {
  await using server = await started({ models: { echo } })
  const client = openai(server)
  const messages = [{ role: 'user' as const, content: 'one two three four' }]
  const whole = await client.chat.completions.create({ model: 'echo', messages, stop: ['three'] })
  expect(whole.choices[0]).toMatchObject({ message: { content: 'one two ' }, finish_reason: 'stop' })
  const stream = await client.chat.completions.create({
    model: 'echo',
    messages,
    stream: true,
    stream_options: { include_usage: true },
  })
  let text = ''
  let usage: unknown
  let finish: unknown
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta.content ?? ''
    finish = chunk.choices[0]?.finish_reason ?? finish
    usage = chunk.usage ?? usage
  }
  expect({ text, finish, usage }).toEqual({
    text: 'one two three four ',
    finish: 'stop',
    usage: { prompt_tokens: 1, completion_tokens: 4, total_tokens: 5 },
  })
  // A stop that is spread over two parts is not shown in part.
  const stopped = await client.chat.completions.create({ model: 'echo', messages, stream: true, stop: 'two th' })
  text = ''
  for await (const chunk of stopped) text += chunk.choices[0]?.delta.content ?? ''
  expect(text).toBe('one ')
})

/** Calls the first of its tools with the question, and says how many pictures it saw, or continues a prompt. */
const able = {
  kind: 'chat',
  accepts: ['tools', 'images', 'prompt'],
  async *stream({ messages, prompt, tools = [], toolChoice }: ChatRequest): AsyncGenerator<string, ChatResult | undefined> {
    const last = messages.at(-1)
    if (prompt !== undefined) yield `${prompt} goes on`
    else if (last?.role === 'tool') yield `${last.toolCallId}: ${last.content}, ${messages.at(-2)?.toolCalls?.[0]?.arguments}`
    else if (tools.length === 0) yield `${last?.images?.length ?? 0} pictures: ${last?.images?.[0]?.slice(0, 14)}`
    else {
      const { name } = typeof toolChoice === 'object' ? toolChoice : (tools[0] as ChatTool)
      const toolCalls = [{ id: 'call_1', name, arguments: JSON.stringify({ question: last?.content }) }]
      return { text: '', finish: 'tool-calls', toolCalls, promptTokens: 3, completionTokens: 4 }
    }
    return undefined
  },
} as const

const tool = (name: string): OpenAI.ChatCompletionTool => ({
  type: 'function',
  function: { name, parameters: { type: 'object', properties: { question: { type: 'string' } } } },
})

test('tools: calls are given whole and streamed, and their results come back to the model', async () => {
  await using server = await started({ models: { able } })
  const client = openai(server)
  const messages: OpenAI.ChatCompletionMessageParam[] = [{ role: 'user', content: 'why?' }]
  const body = { model: 'able', messages, tools: [tool('search'), tool('weather')] }
  const { choices, usage } = await client.chat.completions.create({
    ...body,
    tool_choice: { type: 'function', function: { name: 'weather' } },
  })
  const [choice] = choices
  expect(choice).toMatchObject({ finish_reason: 'tool_calls', message: { content: null } })
  const calls = choice?.message.tool_calls
  expect(calls).toEqual([{ id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{"question":"why?"}' } }])
  expect(usage).toMatchObject({ prompt_tokens: 3, completion_tokens: 4 })
  const streamed = await client.chat.completions.stream({ ...body, stream: true }).finalChatCompletion()
  expect(streamed.choices[0]).toMatchObject({
    finish_reason: 'tool_calls',
    message: { tool_calls: [{ function: { name: 'search' } }] },
  })
  const told = [
    ...messages,
    choice?.message as OpenAI.ChatCompletionMessageParam,
    { role: 'tool' as const, tool_call_id: 'call_1', content: 'because' },
  ]
  const after = await client.chat.completions.create({ ...body, messages: told })
  expect(after.choices[0]?.message.content).toBe('call_1: because, {"question":"why?"}')
  const none = await client.chat.completions.create({ ...body, tool_choice: 'none' })
  expect(none.choices[0]?.message.content).toMatch(/^0 pictures/)
})

test('images reach models that take them, as data; addresses are not fetched', async () => {
  await using server = await started({ models: { able, echo } })
  const asked = (model: string, url: string): Promise<Response> => {
    const content = [
      { type: 'text', text: 'what is it?' },
      { type: 'image_url', image_url: { url } },
    ]
    return post(server, '/v1/chat/completions', { model, messages: [{ role: 'user', content }] })
  }
  const seen = (await (await asked('able', 'data:image/png;base64,aGVsbG8=')).json()) as OpenAI.ChatCompletion
  expect(seen.choices[0]?.message.content).toBe('1 pictures: data:image/png')
  for (const [model, url, why] of [
    ['able', 'http://169.254.169.254/latest', 'this server fetches no addresses'],
    ['able', 'file:///etc/passwd', 'this server fetches no addresses'],
    ['echo', 'data:image/png;base64,aGVsbG8=', 'this model reads no images'],
  ] as const) {
    const refused = await asked(model, url)
    expect([refused.status, await refused.text()]).toEqual([400, expect.stringContaining(why)])
  }
})

test('completions: one prompt, several, streamed; a model of messages says where to ask', async () => {
  await using server = await started({ models: { able, echo } })
  const client = openai(server)
  const one = await client.completions.create({ model: 'able', prompt: 'it' })
  expect(one).toMatchObject({ object: 'text_completion', choices: [{ index: 0, text: 'it goes on', finish_reason: 'stop' }] })
  const two = await client.completions.create({ model: 'able', prompt: ['a', 'b'], stop: ' on' })
  expect(two.choices.map(({ index, text }) => [index, text])).toEqual([
    [0, 'a goes'],
    [1, 'b goes'],
  ])
  let text = ''
  for await (const part of await client.completions.create({ model: 'able', prompt: 'it', stream: true }))
    text += part.choices[0]?.text
  expect(text).toBe('it goes on')
  await expect(client.completions.create({ model: 'echo', prompt: 'it' })).rejects.toThrow('ask /v1/chat/completions')
  for (const wrong of [{ suffix: 'x' }, { echo: true }, { best_of: 2 }, { logprobs: 1 }, { prompt: [1, 2] }, { prompt: '' }]) {
    const refused = await post(server, '/v1/completions', { model: 'able', prompt: 'it', ...wrong })
    expect([wrong, refused.status]).toEqual([wrong, 400])
  }
})

test('a failure in the middle of a stream reaches the client as an error', async () => {
  const broken = {
    kind: 'chat',
    // eslint-disable-next-line require-yield
    async *stream() {
      yield 'a'
      await new Promise((resolve) => setTimeout(resolve, 5))
      throw new Error('inside')
    },
  } as const
  const warned: string[] = []
  await using server = await started({ models: { broken } }, { warn: (line) => warned.push(line) })
  const stream = await openai(server).chat.completions.create({
    model: 'broken',
    messages: [{ role: 'user', content: 'x' }],
    stream: true,
  })
  const read = async (): Promise<void> => {
    for await (const chunk of stream) void chunk
  }
  await expect(read()).rejects.toBeInstanceOf(APIError)
  await expect.poll(() => warned.join()).toMatch(/request req_\w+: Error: inside/)
})

test('any function is served as JSON; what it refuses is a 400, what fails in it is a 500 that shows nothing', async () => {
  const models = {
    shout: (text: string) => {
      if (typeof text !== 'string') throw new BadRequest('Expected text', { param: 'text' })
      if (text === 'fail') throw new Error('secret inside')
      return text.toUpperCase()
    },
    nothing: () => undefined,
    numbers: () => Float32Array.of(1, 2),
    mood: { kind: 'classify', run: () => [{ label: 'good', score: 1 }] } as const,
  }
  await using server = await started({ models })
  expect(await (await post(server, '/v1/run/shout', '"hey"')).json()).toBe('HEY')
  expect(await (await post(server, '/v1/run/nothing', 'null')).json()).toBe(null)
  expect(await (await post(server, '/v1/run/numbers', '{}')).json()).toEqual([1, 2])
  expect(await (await post(server, '/v1/classify', { model: 'mood', input: ['a', 'b'] })).json()).toMatchObject({
    data: [{ index: 0, label: 'good', score: 1, labels: [{ label: 'good', score: 1 }] }, { index: 1 }],
  })
  const refused = await post(server, '/v1/run/shout', '5')
  expect([refused.status, await refused.json()]).toEqual([
    400,
    { error: { message: 'Expected text', type: 'invalid_request_error', param: 'text', code: 'bad_request' } },
  ])
  const failed = await post(server, '/v1/run/shout', '"fail"')
  expect(failed.status).toBe(500)
  expect(await failed.text()).not.toContain('secret')
})

test.for([
  ['/v1/embeddings', '{', 400, 'bad_request'],
  ['/v1/embeddings', '', 400, 'bad_request'],
  ['/v1/embeddings', '[]', 400, 'invalid_type'],
  ['/v1/embeddings', '{}', 400, 'missing'],
  ['/v1/embeddings', { model: 'nope', input: 'x' }, 404, 'model_not_found'],
  ['/v1/embeddings', { model: 'echo', input: 'x' }, 400, 'unsupported_model'],
  ['/v1/embeddings', { model: 'letters' }, 400, 'missing'],
  ['/v1/embeddings', { model: 'letters', input: [] }, 400, 'bad_request'],
  ['/v1/embeddings', { model: 'letters', input: '' }, 400, 'bad_request'],
  ['/v1/embeddings', { model: 'letters', input: [1, 2] }, 400, 'unsupported_value'],
  ['/v1/embeddings', { model: 'letters', input: [[1]] }, 400, 'unsupported_value'],
  ['/v1/embeddings', { model: 'letters', input: Array.from({ length: 2_049 }, () => 'x') }, 400, 'too_many'],
  ['/v1/embeddings', { model: 'letters', input: 'x', encoding_format: 'hex' }, 400, 'invalid_type'],
  ['/v1/embeddings', { model: 'letters', input: 'x', dimensions: 4 }, 400, 'unsupported_value'],
  ['/v1/chat/completions', { model: 'echo' }, 400, 'missing'],
  ['/v1/chat/completions', { model: 'echo', messages: [] }, 400, 'bad_request'],
  ['/v1/chat/completions', { model: 'echo', messages: [{ role: 'king', content: 'x' }] }, 400, 'invalid_type'],
  ['/v1/chat/completions', { model: 'echo', messages: [{ role: 'user', content: 'x' }], n: 2 }, 400, 'unsupported_parameter'],
  [
    '/v1/chat/completions',
    {
      model: 'echo',
      messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'https://example.org/a.png' } }] }],
    },
    400,
    'unsupported_value',
  ],
  ['/v1/chat/completions', `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`, 400, 'bad_request'],
  ['/v1/nothing', '{}', 404, 'not_found'],
  ['/v1/run/%zz', '{}', 404, 'not_found'],
  ['/v1/run/nobody', '{}', 404, 'model_not_found'],
] as const)('%s with %j is refused with %i', async ([path, body, status, code]) => {
  await using server = await started({ models: { letters: embed, echo } })
  const response = await post(server, path, body)
  expect(response.status).toBe(status)
  expect(((await response.json()) as { error: { code: string } }).error.code).toBe(code)
})

test('methods, types and encodings that do not fit say what would', async () => {
  await using server = await started({ models: { letters: embed } })
  const get = await fetch(`${server.url}/v1/embeddings`)
  expect([get.status, get.headers.get('allow')]).toEqual([405, 'POST'])
  const form = await post(server, '/v1/embeddings', 'a=b', { headers: { 'content-type': 'text/plain' } })
  expect(form.status).toBe(415)
  const packed = await post(server, '/v1/embeddings', '{}', { headers: { 'content-encoding': 'gzip' } })
  expect(packed.status).toBe(415)
  const latin = await fetch(`${server.url}/v1/embeddings`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: Buffer.from('{"model":"\xE4"}', 'latin1'),
  })
  expect([latin.status, await latin.text()]).toEqual([400, expect.stringContaining('not UTF-8')])
})

test('keys: none, a wrong one, the quota of each, and models that it may not ask', async () => {
  await using server = await started({
    models: { letters: embed, echo },
    keys: [
      { name: 'one', key: 'key-number-one', requestsPerMinute: 2, models: ['letters'] },
      { name: 'two', key: 'sha256:a12cd71ebe3a8c1e4ec57d0a2a1a2c7f9c8f4e6d9a1d9e6ba2d4c2f7e2b8c111', tokensPerMinute: 100 },
      { name: 'three', key: 'key-number-three', tokensPerMinute: 10 },
    ],
  })
  const ask = (key: string, input = 'x', model = 'letters'): Promise<Response> =>
    post(server, '/v1/embeddings', { model, input }, { headers: { authorization: `Bearer ${key}` } })
  expect((await post(server, '/v1/embeddings', { model: 'letters', input: 'x' })).status).toBe(401)
  const wrong = await ask('key-number-none')
  expect([wrong.status, wrong.headers.get('www-authenticate')]).toEqual([401, 'Bearer'])
  const first = await ask('key-number-one')
  expect([
    first.status,
    first.headers.get('x-ratelimit-limit-requests'),
    first.headers.get('x-ratelimit-remaining-requests'),
  ]).toEqual([200, '2', '1'])
  expect((await ask('key-number-one', 'x', 'echo')).status).toBe(403)
  expect((await ask('key-number-one')).status).toBe(200)
  const late = await ask('key-number-one')
  expect([
    late.status,
    Number(late.headers.get('retry-after')) >= 30,
    ((await late.json()) as { error: object }).error,
  ]).toMatchObject([429, true, { code: 'rate_limit_exceeded', type: 'rate_limit_error' }])
  await expect(openai(server, 'key-number-one').embeddings.create({ model: 'letters', input: 'x' })).rejects.toBeInstanceOf(
    RateLimitError,
  )
  // Estimated by letters, put right by what it cost: 40 letters are taken for 10 tokens, and are 2.
  expect((await ask('key-number-three', `${'a'.repeat(20)} ${'b'.repeat(19)}`)).status).toBe(200)
  expect((await ask('key-number-three', 'a'.repeat(28))).status).toBe(200)
  expect((await ask('key-number-three', 'a'.repeat(39))).status).toBe(429)
  expect((await fetch(`${server.url}/metrics`)).status).toBe(401)
  expect((await fetch(`${server.url}/health`)).status).toBe(200)
})

test('a full queue refuses at once, with the time to come again', async () => {
  let free: () => void = () => undefined
  const held = new Promise<void>((resolve) => (free = resolve))
  const slow = { run: () => held, concurrency: 1, maxQueue: 1 }
  await using server = await started({ models: { slow } })
  const ask = (): Promise<Response> => post(server, '/v1/run/slow', '1')
  const first = ask()
  const second = ask()
  await expect.poll(() => server.snapshot().models[0]?.stats.queue.items).toBe(1)
  const third = await ask()
  expect([
    third.status,
    third.headers.get('retry-after'),
    ((await third.json()) as { error: { code: string } }).error.code,
  ]).toEqual([429, expect.stringMatching(/^[12]$/), 'queue_full'])
  free()
  expect([(await first).status, (await second).status]).toEqual([200, 200])
})

test('a client that leaves frees its place, in the queue and at work', async () => {
  let aborted = 0
  const slow = {
    run: (_: unknown, { signal }: { readonly signal: AbortSignal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          aborted++
          reject(signal.reason as Error)
        })
      }),
    concurrency: 1,
    maxQueue: 1,
  }
  await using server = await started({ models: { slow } })
  const stats = () => server.snapshot().models[0]?.stats
  const leaving = [new AbortController(), new AbortController()]
  const asked = leaving.map(({ signal }) => post(server, '/v1/run/slow', '1', { signal }).catch(() => undefined))
  await expect.poll(() => [stats()?.underWay, stats()?.queue.items]).toEqual([1, 1])
  for (const each of leaving) each.abort()
  await Promise.all(asked)
  await expect.poll(() => [stats()?.underWay, stats()?.queue.items, server.underWay]).toEqual([0, 0, 0])
  expect(aborted).toBe(1)
  expect(server.snapshot().refused).toMatchObject({ client_closed: 2 })
})

test('the deadline of the client of OpenAI reaches the model', async () => {
  const slow = { run: () => new Promise(() => undefined) }
  await using server = await started({ models: { slow } })
  const late = await post(server, '/v1/run/slow', '1', { headers: { 'x-stainless-timeout': '0.05' } })
  expect([late.status, ((await late.json()) as { error: { code: string } }).error.code]).toEqual([504, 'deadline_exceeded'])
})

test('a body that is too large is refused while it is still being sent, and the connection ends', async () => {
  await using server = await started({ models: { letters: embed }, limits: { bodyBytes: 1_000 } })
  const large = await post(server, '/v1/embeddings', 'x'.repeat(5_000_000))
  expect([large.status, large.headers.get('connection')]).toEqual([413, 'close'])
  // Without a length, in chunks.
  const stream = new ReadableStream({
    pull(controller) {
      controller.enqueue(new Uint8Array(100_000))
    },
  })
  const endless = fetch(`${server.url}/v1/embeddings`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: stream,
    duplex: 'half',
  } as RequestInit)
  expect((await endless).status).toBe(413)
  // Who asks first is not asked for the body.
  const socket = connect(server.port, '127.0.0.1')
  socket.write(
    'POST /v1/embeddings HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 2000\r\nexpect: 100-continue\r\n\r\n',
  )
  const [answer] = (await once(socket, 'data')) as [Buffer]
  expect(String(answer)).toMatch(/^HTTP\/1\.1 413/)
  socket.destroy()
})

test('host names and origins of others are refused, so that no page of the web asks a server without keys', async () => {
  await using server = await started({ models: { letters: embed }, origins: ['https://app.example'] })
  const raw = async (head: string): Promise<string> => {
    const socket = connect(server.port, '127.0.0.1')
    socket.write(`${head}\r\nconnection: close\r\n\r\n`)
    let text = ''
    for await (const part of socket) text += String(part)
    return text.split('\r\n')[0] ?? ''
  }
  expect(await raw('GET /v1/models HTTP/1.1\r\nhost: evil.example')).toContain('403')
  expect(await raw(`GET /v1/models HTTP/1.1\r\nhost: 127.0.0.1:${server.port}`)).toContain('200')
  expect(await raw(`GET /v1/models HTTP/1.1\r\nhost: localhost\r\norigin: https://evil.example`)).toContain('403')
  const preflight = await fetch(`${server.url}/v1/embeddings`, { method: 'OPTIONS', headers: { origin: 'https://app.example' } })
  expect([preflight.status, preflight.headers.get('access-control-allow-origin')]).toEqual([204, 'https://app.example'])
  expect(await raw('nonsense')).toContain('400')
  expect(await raw(`GET /${'x'.repeat(20_000)} HTTP/1.1\r\nhost: localhost`)).toContain('431')
})

test('clients that are slow to send are let go', async () => {
  await using server = await started({ models: { letters: embed }, limits: { headTimeout: '200ms', bodyTimeout: '400ms' } })
  const socket = connect(server.port, '127.0.0.1')
  socket.write('POST /v1/embeddings HTTP/1.1\r\nhost: lo')
  let text = ''
  for await (const part of socket) text += String(part)
  expect(text).toMatch(/^HTTP\/1\.1 408/)
  const half = connect(server.port, '127.0.0.1')
  half.write('POST /v1/embeddings HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{')
  half.resume()
  await once(half, 'close')
  await expect.poll(() => server.underWay).toBe(0)
})

test('clients that do not read are let go, and what waits for them is bounded', async () => {
  const flood = { kind: 'function', run: () => 'x'.repeat(20_000_000) } as const
  await using server = await started({ models: { flood }, limits: { readTimeout: '300ms' } })
  const socket = connect(server.port, '127.0.0.1')
  socket.on('error', () => undefined)
  socket.pause()
  socket.write('POST /v1/run/flood HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 1\r\n\r\n1')
  await expect.poll(() => server.snapshot().unreadBytes).toBeGreaterThan(1_000_000)
  await expect.poll(() => [server.snapshot().unreadBytes, server.underWay], { timeout: 5_000 }).toEqual([0, 0])
  socket.destroy()
})

test('a slow client that reads gets everything', async () => {
  const flood = { run: () => 'x'.repeat(12_000_000) }
  await using server = await started({ models: { flood }, limits: { readTimeout: '2s' } })
  const response = await post(server, '/v1/run/flood', '1')
  let bytes = 0
  for await (const part of response.body as ReadableStream<Uint8Array>) {
    bytes += part.length
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  expect(bytes).toBe(12_000_002)
})

test('a stream waits for its client, and a model does not run ahead of it', async () => {
  let made = 0
  const endless = {
    kind: 'chat',
    async *stream() {
      for (;;) {
        made++
        yield 'x'.repeat(10_000)
        if (made % 10 === 0) await new Promise((resolve) => setTimeout(resolve, 1))
      }
    },
  } as const
  await using server = await started({ models: { endless }, limits: { readTimeout: '300ms' } })
  const body = JSON.stringify({ model: 'endless', stream: true, messages: [{ role: 'user', content: 'x' }] })
  const socket = connect(server.port, '127.0.0.1')
  socket.on('error', () => undefined)
  socket.pause()
  socket.write(
    `POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  )
  await expect.poll(() => server.underWay).toBe(1)
  await expect.poll(() => server.underWay, { timeout: 10_000 }).toBe(0)
  const after = made
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(made).toBe(after)
  // The buffers of the system, and the quarter of a megabyte that may wait here.
  expect(made).toBeLessThan(2_000)
  socket.destroy()
})

test('drains: what is under way is answered, what comes is refused, then every connection is closed', async () => {
  let free: () => void = () => undefined
  const held = new Promise<string>((resolve) => (free = () => resolve('done')))
  await using server = await started({ models: { slow: { run: () => held } } })
  const kept = connect(server.port, '127.0.0.1')
  kept.write('GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n')
  await once(kept, 'data')
  const first = post(server, '/v1/run/slow', '1')
  await expect.poll(() => server.underWay).toBe(1)
  const closed = server.close()
  const late = await post(server, '/v1/run/slow', '1')
  expect([late.status, late.headers.get('connection'), late.headers.get('retry-after')]).toEqual([
    503,
    'close',
    expect.stringMatching(/^[12]$/),
  ])
  expect((await fetch(`${server.url}/ready`)).status).toBe(503)
  expect((await fetch(`${server.url}/health`)).status).toBe(200)
  free()
  expect(await (await first).json()).toBe('done')
  await closed
  await expect(fetch(`${server.url}/health`)).rejects.toThrow(TypeError)
  if (!kept.destroyed) await once(kept, 'close')
})

test('closing with no grace breaks off what is under way', async () => {
  await using server = await started({ models: { slow: { run: () => new Promise(() => undefined) } } })
  const asked = post(server, '/v1/run/slow', '1').catch((error: unknown) => error)
  await expect.poll(() => server.underWay).toBe(1)
  await server.close({ grace: 0 })
  expect(await asked).toBeInstanceOf(TypeError)
})

test('with a delay it answers on while /ready says that it will end', async () => {
  await using server = await started({ models: { letters: embed } })
  const closed = server.close({ delay: '5s' })
  expect((await fetch(`${server.url}/ready`)).status).toBe(503)
  expect((await post(server, '/v1/embeddings', { model: 'letters', input: 'x' })).status).toBe(200)
  // Again, and it ends at once.
  await server.close({ grace: 0 })
  await closed
  await expect(fetch(`${server.url}/ready`)).rejects.toThrow(TypeError)
})

test('null is the same as absent, and content may come in parts', async () => {
  await using server = await started({ models: { echo, letters: embed } })
  const absent = [
    'temperature',
    'top_p',
    'stop',
    'max_tokens',
    'n',
    'stream',
    'stream_options',
    'seed',
    'tools',
    'response_format',
    'user',
  ]
  const messages = [
    { role: 'assistant', content: null },
    {
      role: 'user',
      content: [
        { type: 'text', text: 'one ' },
        { type: 'text', text: 'two' },
      ],
    },
  ]
  const body = { model: 'echo', messages, ...Object.fromEntries(absent.map((name) => [name, null])) }
  const chat = await post(server, '/v1/chat/completions', body)
  expect(await chat.json()).toMatchObject({ choices: [{ message: { content: 'one two ' } }] })
  const vector = await post(server, '/v1/embeddings', { model: 'letters', input: 'x', dimensions: null, encoding_format: null })
  expect(vector.status).toBe(200)
})

test('a character that an engine cuts in two is sent whole', async () => {
  const halves = {
    kind: 'chat',
    async *stream() {
      yield 'a\uD83D'
      yield '\uDE00b'
    },
  } as const
  await using server = await started({ models: { halves } })
  const messages = [{ role: 'user', content: 'x' }]
  const text = await (await post(server, '/v1/chat/completions', { model: 'halves', messages, stream: true })).text()
  expect([...text.matchAll(/"content":"([^"]+)"/g)].map(([, part]) => part)).toEqual(['a', '😀b'])
  expect(text).not.toContain('"finish_reason":""')
})

test('a request with many texts waits for its place once a part of it is answered; at the door it is refused', async () => {
  let free: () => void = () => undefined
  const held = new Promise<void>((resolve) => (free = resolve))
  const slow = {
    kind: 'embeddings',
    concurrency: 1,
    maxQueue: 7,
    run: async (text: string) => {
      await new Promise((resolve) => setTimeout(resolve, 2))
      if (text === 'held') await held
      return [1]
    },
  } as const
  await using server = await started({ models: { slow } })
  const ask = (input: string | string[]): Promise<Response> => post(server, '/v1/embeddings', { model: 'slow', input })
  const full = Array.from({ length: 8 }, () => ask('held'))
  await expect.poll(() => server.snapshot().models[0]?.stats.queue.items).toBe(7)
  expect((await ask(['a', 'b'])).status).toBe(429)
  free()
  await Promise.all(full)
  // Two large ones at a time want more places than there are.
  const many = Array.from({ length: 9 }, () => ask(Array.from({ length: 40 }, (_, i) => `text ${i}`)))
  const statuses = (await Promise.all(many)).map(({ status }) => status)
  expect(statuses.filter((status) => status === 200).length).toBeGreaterThan(4)
  expect(new Set(statuses).size).toBeLessThanOrEqual(2)
})
