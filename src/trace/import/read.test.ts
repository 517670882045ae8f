import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, describe, expect, test } from 'vitest'
import { FileRefused } from '../../base/errors.ts'
import { readSpans } from './read.ts'
import { type Spans } from './spans/spans.ts'
import { accesses, categories } from './spans/vocabulary.ts'

const folder = mkdtempSync(join(tmpdir(), 'heddle-spans-'))
afterAll(() => rmSync(folder, { recursive: true }))

let files = 0
function file(content: unknown): string {
  const path = join(folder, `trace-${files++}`)
  writeFileSync(path, typeof content === 'string' || content instanceof Uint8Array ? content : JSON.stringify(content))
  return path
}

/** What of a span matters to a person, a line each: parent, times since the first, what it calls. */
function lines(spans: Spans): string[] {
  const { rows, strings } = spans
  const from = Math.min(...rows.start)
  return Array.from({ length: rows.count }, (_, row) => {
    const parent = rows.parent[row] as number
    const name = strings[rows.name[row] as number]
    const above = parent < 0 ? '' : ` in ${strings[rows.name[parent] as number]}`
    const time = `${round((rows.start[row] as number) - from)}..${round((rows.end[row] as number) - from)}`
    const service = strings[rows.service[row] as number]
    return `${service}/${name}${above} ${time} ${accesses[rows.access[row] as number]} ${categories[rows.category[row] as number]} ${strings[rows.detail[row] as number]}`
  })
}

const round = (ms: number): number => Math.round(ms * 1e6) / 1e6

const readable = async (content: unknown): Promise<string[]> => lines(await readSpans([file(content)]))

const text = (key: string, stringValue: string): object => ({ key, value: { stringValue } })
const otlpSpan = (
  id: string,
  parentSpanId: string,
  name: string,
  kind: unknown,
  from: string,
  to: string,
  attributes: object[] = [],
): object => ({
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: id,
  parentSpanId,
  name,
  kind,
  startTimeUnixNano: `1764540000000${from}`,
  endTimeUnixNano: `1764540000000${to}`,
  attributes,
  status: {},
})
const otlp = (scopes = 'scopeSpans'): object => ({
  [scopes]: [
    {
      scope: { name: 'lib' },
      spans: [
        otlpSpan('b7ad6b7169203331', '', 'GET /cart', 2, '000000', '900000', [
          text('http.request.method', 'GET'),
          text('http.route', '/cart'),
        ]),
        otlpSpan('00f067aa0ba902b7', 'b7ad6b7169203331', 'SELECT', 'SPAN_KIND_CLIENT', '100001', '300002', [
          text('db.system', 'postgresql'),
          text('db.statement', "SELECT * FROM items WHERE name = 'O''Brien \\\"x\\\"' AND id IN (1, 2, 3)"),
        ]),
      ],
    },
  ],
  // After the spans: the order of keys is not fixed.
  resource: { attributes: [text('service.name', 'cart 🛒')] },
})

const cart = [
  'cart 🛒/GET /cart 0..0.9 read http GET /cart',
  'cart 🛒/SELECT in GET /cart 0.100001..0.300002 read database SELECT * FROM items WHERE name = ? AND id IN (?)',
]

describe('OTLP as JSON', () => {
  test('is read to the nanosecond, with the service of a resource that comes after its spans', async () => {
    expect(await readable({ resourceSpans: [otlp()] })).toEqual(cart)
  })

  test.each([
    ['a line per request', () => `${JSON.stringify({ resourceSpans: [otlp()] })}\n{"resourceSpans":[]}\n`],
    ['Tempo’s batches', () => ({ batches: [otlp('instrumentationLibrarySpans')] })],
    ['Tempo’s trace', () => ({ trace: { resourceSpans: [otlp()] } })],
    ['with a byte order mark', () => `\ufeff${JSON.stringify({ resourceSpans: [otlp()] })}`],
    ['gzipped', () => gzipSync(JSON.stringify({ resourceSpans: [otlp()] }))],
  ])('is read in the form of %s', async (_, content) => {
    expect(await readable(content())).toEqual(cart)
  })

  test('joins a trace that is spread over files, with the child first', async () => {
    const [parent, child] = (otlp() as { scopeSpans: [{ spans: [object, object] }] }).scopeSpans[0].spans
    const one = (span: object): object => ({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] })
    expect(lines(await readSpans([file(one(child)), file(one(parent))]))[0]).toMatch(/^\/SELECT in GET \/cart/)
  })

  test('names as the protocol file has them, numbers for times, ids in base64', async () => {
    const at = (ms: number): number => (1_697_982_593_000 + ms) * 1_000_000
    const spans = [
      {
        trace_id: 'Z6z8LqVvEI+kU1/Ci6mXBQ==',
        span_id: 'gMEgDJS+EXg=',
        name: 'a',
        start_time_unix_nano: at(0),
        end_time_unix_nano: at(200),
      },
      {
        trace_id: 'Z6z8LqVvEI+kU1/Ci6mXBQ==',
        span_id: 'ygGTpeX0WXc=',
        parent_span_id: 'gMEgDJS+EXg=',
        name: 'b',
        start_time_unix_nano: at(100),
        end_time_unix_nano: at(150),
      },
    ]
    const resource = { attributes: [{ key: 'service.name', value: { string_value: 'quick' } }] }
    const read = await readable({ resource_spans: [{ resource, scope_spans: [{ spans }] }] })
    expect(read.map((line) => line.replace(/\.\.\S+/, ''))).toEqual([
      'quick/a 0 unknown internal a',
      'quick/b in a 100 unknown internal b',
    ])
  })
})

describe('other formats', () => {
  test('Jaeger: microseconds, processes after the spans, references', async () => {
    const spans = [
      {
        traceID: 'a',
        spanID: '1',
        operationName: 'checkout',
        references: [],
        startTime: 1_000,
        duration: 500,
        processID: 'p1',
        tags: [],
      },
      {
        traceID: 'a',
        spanID: '2',
        operationName: 'redis',
        references: [{ refType: 'CHILD_OF', traceID: 'a', spanID: '1' }],
        startTime: 1_100,
        duration: 100,
        processID: 'p2',
        tags: [
          { key: 'span.kind', type: 'string', value: 'client' },
          { key: 'db.type', type: 'string', value: 'redis' },
          { key: 'db.statement', type: 'string', value: 'GET user:42' },
        ],
      },
    ]
    const processes = { p1: { serviceName: 'shop', tags: [] }, p2: { serviceName: 'cache', tags: [] } }
    const read = ['shop/checkout 0..0.5 unknown internal checkout', 'cache/redis in checkout 0.1..0.2 read cache GET user:?']
    const trace = { traceID: 'a', spans, processes }
    expect(await readable({ data: [trace], total: 0 })).toEqual(read)
    // As tools store them: without the answer around.
    expect(await readable(trace)).toEqual(read)
    expect(await readable([trace])).toEqual(read)
  })

  test('Zipkin: spans of both sides of a call share their id', async () => {
    const spans = [
      {
        traceId: '1',
        id: 'a',
        kind: 'CLIENT',
        name: 'post',
        timestamp: 10_000,
        duration: 400,
        localEndpoint: { serviceName: 'web' },
        tags: { 'http.method': 'POST', 'http.path': '/pay/123' },
      },
      {
        traceId: '1',
        id: 'a',
        kind: 'SERVER',
        shared: true,
        name: 'post',
        timestamp: 10_100,
        duration: 200,
        localEndpoint: { serviceName: 'pay' },
      },
      { traceId: '1', id: 'b', parentId: 'a', name: 'log', timestamp: 10_150, localEndpoint: { serviceName: 'pay' } },
    ]
    const expected = [
      'web/post 0..0.4 write http POST /pay/?',
      'pay/post in post 0.1..0.3 write http POST',
      'pay/log in post 0.15..0.15 unknown internal log',
    ]
    expect(await readable(spans)).toEqual(expected)
    expect(await readable([spans])).toEqual(expected)
  })

  test('Chrome: begin and end, complete and asynchronous events, nested by thread, also without an end of the file', async () => {
    const events = [
      { ph: 'M', pid: 1, tid: 1, name: 'process_name', args: { name: 'browser' } },
      { ph: 'X', pid: 1, tid: 1, ts: 0, dur: 1_000, name: 'task' },
      { ph: 'B', pid: 1, tid: 1, ts: 100, name: 'parse' },
      { ph: 'E', pid: 1, tid: 1, ts: 400 },
      { ph: 'X', pid: 1, tid: 2, ts: 50, dur: 10, name: 'other thread' },
      { ph: 'b', pid: 1, tid: 1, cat: 'net', id: '0x1', ts: 200, name: 'fetch' },
      { ph: 'e', pid: 1, tid: 2, cat: 'net', id: '0x1', ts: 900, name: 'fetch' },
      { ph: 'C', pid: 1, ts: 5, name: 'counter', args: {} },
    ]
    const expected = [
      '1/task in browser 0..1 unknown internal task',
      '1/parse in task 0.1..0.4 unknown internal parse',
      '1/other thread in browser 0.05..0.06 unknown internal other thread',
      '1/fetch in browser 0.2..0.9 unknown internal fetch',
      '1/browser 0..1 unknown internal browser',
    ]
    expect(await readable({ traceEvents: events })).toEqual(expected)
    const spans = await readSpans([file(JSON.stringify(events).slice(0, -1))])
    expect([lines(spans), spans.warnings]).toEqual([expected, []])
  })

  test('turbo: what a task needs is known', async () => {
    const task = (taskId: string, dependencies: string[], startTime: number, endTime: number): object => ({
      taskId,
      package: taskId.split('#')[0],
      dependencies,
      execution: { startTime, endTime, exitCode: 0 },
    })
    const spans = await readSpans([
      file({
        turboVersion: '2.5.0',
        id: 'run1',
        execution: { command: 'turbo run build' },
        tasks: [
          task('ui#build', [], 1_000, 3_000),
          task('app#build', ['ui#build'], 3_000, 4_500),
          { taskId: 'docs#build', cache: { status: 'HIT' } },
        ],
      }),
    ])
    expect(lines(spans)).toEqual([
      '/turbo run build 0..3500 unknown task turbo run build',
      'ui/ui#build in turbo run build 0..2000 unknown task ui#build',
      'app/app#build in turbo run build 2000..3500 unknown task app#build',
    ])
    expect([...spans.needs]).toEqual([
      [1, []],
      [2, [1]],
    ])
  })

  test('Nx', async () => {
    const content = {
      run: { command: 'nx run-many -t build', startTime: '2026-11-30T10:00:00.000Z' },
      tasks: [
        {
          taskId: 'app:build',
          projectName: 'app',
          startTime: '2026-11-30T10:00:00.000Z',
          endTime: '2026-11-30T10:00:02.500Z',
          status: 0,
        },
      ],
    }
    expect(await readable(content)).toEqual([
      '/nx run-many -t build 0..2500 unknown task nx run-many -t build',
      'app/app:build in nx run-many -t build 0..2500 unknown task app:build',
    ])
  })

  test('jobs of GitHub Actions with their steps; what was skipped has no time', async () => {
    const jobs = [
      {
        id: 7,
        run_id: 3,
        workflow_name: 'CI',
        name: 'test',
        runner_name: 'r1',
        started_at: '2026-11-30T10:00:00Z',
        completed_at: '2026-11-30T10:01:00Z',
        conclusion: 'success',
        steps: [{ name: 'npm ci', number: 1, started_at: '2026-11-30T10:00:05Z', completed_at: '2026-11-30T10:00:25Z' }],
      },
      {
        id: 8,
        run_id: 3,
        name: 'deploy',
        started_at: '2026-11-30T10:01:00Z',
        completed_at: null,
        conclusion: 'skipped',
        steps: [],
      },
    ]
    expect(await readable({ total_count: 2, jobs })).toEqual([
      '/CI 0..60000 unknown task CI',
      'r1/test in CI 0..60000 unknown task test',
      'r1/npm ci in test 5000..25000 unknown task npm ci',
    ])
  })

  test('reports of Playwright and Vitest', async () => {
    const result = { workerIndex: 1, startTime: '2026-11-30T10:00:00.000Z', duration: 250, status: 'passed' }
    const playwright = {
      config: { workers: 2 },
      suites: [
        { title: 'a', suites: [{ specs: [{ title: 'logs in', file: 'a.spec.ts', line: 3, tests: [{ results: [result] }] }] }] },
      ],
    }
    expect(await readable(playwright)).toEqual([
      '/playwright test 0..250 unknown internal playwright test',
      'worker 1/logs in in playwright test 0..250 read test logs in',
    ])
    const vitest = {
      startTime: 5,
      testResults: [
        {
          name: 'a.test.ts',
          startTime: 1_000,
          endTime: 1_500,
          status: 'passed',
          assertionResults: [
            { fullName: 'one', duration: 100 },
            { fullName: 'two', duration: 200 },
          ],
        },
      ],
    }
    expect(await readable(vitest)).toEqual([
      '/vitest run 0..500 unknown internal vitest run',
      'a.test.ts/a.test.ts in vitest run 0..500 read test a.test.ts',
      'a.test.ts/one in a.test.ts 0..100 read test one',
      'a.test.ts/two in a.test.ts 100..300 read test two',
    ])
  })
})

/** Protobuf by hand: an independent writer of what the reader reads. */
const proto = {
  varint(value: number): Buffer {
    const bytes: number[] = []
    let left = value
    for (; left > 127; left = Math.floor(left / 128)) bytes.push((left % 128) | 128)
    return Buffer.from([...bytes, left])
  },
  bytes: (field: number, content: Buffer | string): Buffer =>
    Buffer.concat([proto.varint(8 * field + 2), proto.varint(Buffer.byteLength(content)), Buffer.from(content as string)]),
  time(field: number, nanos: bigint): Buffer {
    const bytes = Buffer.alloc(8)
    bytes.writeBigUInt64LE(nanos)
    return Buffer.concat([Buffer.from([8 * field + 1]), bytes])
  },
  text: (field: number, key: string, value: string): Buffer =>
    proto.bytes(field, Buffer.concat([proto.bytes(1, key), proto.bytes(2, proto.bytes(1, value))])),
}

function cartProto(): Buffer {
  const trace = Buffer.from('0af7651916cd43dd8448eb211c80319c', 'hex')
  const span = (id: string, parent: string, name: string, kind: number, from: bigint, to: bigint, attributes: Buffer[]): Buffer =>
    proto.bytes(
      2,
      Buffer.concat([
        proto.bytes(1, trace),
        proto.bytes(2, Buffer.from(id, 'hex')),
        ...(parent ? [proto.bytes(4, Buffer.from(parent, 'hex'))] : []),
        proto.bytes(5, name),
        Buffer.from([8 * 6, kind]),
        proto.time(7, 1_764_540_000_000_000_000n + from),
        proto.time(8, 1_764_540_000_000_000_000n + to),
        ...attributes,
        // Unknown fields of each kind are skipped.
        proto.bytes(200, 'later'),
        Buffer.from([8 * 10, 3]),
      ]),
    )
  const spans = [
    span('b7ad6b7169203331', '', 'GET /cart', 2, 0n, 900_000n, [
      proto.text(9, 'http.request.method', 'GET'),
      proto.text(9, 'http.route', '/cart'),
    ]),
    span('00f067aa0ba902b7', 'b7ad6b7169203331', 'SELECT', 3, 100_001n, 300_002n, [
      proto.text(9, 'db.system', 'postgresql'),
      proto.text(9, 'db.statement', "SELECT * FROM items WHERE name = 'O''Brien' AND id IN (1, 2, 3)"),
    ]),
  ]
  const scope = proto.bytes(2, Buffer.concat([proto.bytes(1, proto.bytes(1, 'lib')), ...spans, proto.bytes(3, 'https://schema')]))
  return proto.bytes(
    1,
    Buffer.concat([scope, proto.bytes(1, proto.text(1, 'service.name', 'cart 🛒')), proto.bytes(3, 'https://schema')]),
  )
}

describe('OTLP as protobuf', () => {
  test('is what it is as JSON', async () => {
    expect(await readable(cartProto())).toEqual(cart)
  })

  test('says where a file is damaged, or that it was cut short, for each place at which it may be', async () => {
    const whole = cartProto()
    for (let length = 1; length < whole.length; length++) {
      const said = await readSpans([file(whole.subarray(0, length))]).then(
        ({ warnings }) => warnings.join(),
        (error: unknown) => `${(error as Error).name}: ${(error as Error).message}`,
      )
      expect(said).toMatch(/cut short: .*byte [\d,]+|^FileRefused: .*(byte [\d,]+|no spans)/)
    }
  })

  test('takes bytes that were changed at random, or refuses them by name', async () => {
    const whole = cartProto()
    for (let i = 0; i < 300; i++) {
      const bytes = Buffer.from(whole)
      bytes[(i * 7_919) % bytes.length] = (i * 104_729) & 0xff
      const failure = await readSpans([file(bytes)]).then(
        () => undefined,
        (error: unknown) => (error as Error).name,
      )
      expect([undefined, 'FileRefused']).toContain(failure)
    }
  })
})

describe('what is not a trace', () => {
  test.each([
    ['an empty file', '', /the file is empty/],
    ['a text', 'hello', /byte 0: text that is not/],
    ['other JSON', { name: 'heddle', dependencies: {} }, /no spans in it/],
    [
      'a damaged element',
      `{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"a"},{"name":oops}]}]}]}`,
      /byte 56: .*(token|JSON)/,
    ],
    ['a bracket too many', '{"resourceSpans":[]}]', /byte 20: \] closes nothing/],
    ['other bytes', Buffer.from([0x0a, 0x05, 0xff, 0xff, 0xff, 0xff, 0xff]), /byte/],
    ['gzip of nothing', gzipSync(''), /no spans/],
    ['half a gzip', gzipSync('{"resourceSpans":[]}').subarray(0, 15), /gzip/],
  ])('%s is refused with its place', async (_, content, message) => {
    const error = await readSpans([file(content)]).catch((thrown: unknown) => thrown as FileRefused)
    expect(error).toBeInstanceOf(FileRefused)
    expect((error as FileRefused).message).toMatch(message)
    expect((error as FileRefused).hint).toContain('OTLP')
  })

  test('a file that was cut short counts as far as it goes', async () => {
    const whole = JSON.stringify({ resourceSpans: [otlp()] })
    const spans = await readSpans([file(whole.slice(0, whole.indexOf('SPAN_KIND_CLIENT')))])
    expect([spans.rows.count, spans.warnings[0]]).toEqual([
      1,
      expect.stringMatching(/cut short: it ends at byte \d+, inside what began at byte \d+/),
    ])
  })

  test('hostile values are data', async () => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`
    const span = `{"traceId":"t","spanId":"1","parentSpanId":"1","name":"__proto__","startTimeUnixNano":"-5","endTimeUnixNano":{"a":${deep}},"attributes":[null,7,{"key":"constructor"},{"key":"db.system","value":{"__proto__":{"stringValue":"x"}}}]}`
    const spans = await readSpans([
      file(`{"__proto__":{"resourceSpans":1},"resourceSpans":[{"resource":[],"scopeSpans":[{"spans":[${span},null,"x"]}]}]}`),
    ])
    expect([spans.rows.count, spans.orphans]).toEqual([1, 1])
  })

  test('circles of parents become roots', async () => {
    const span = (id: string, parentSpanId: string): object => ({
      traceId: 't',
      spanId: id,
      parentSpanId,
      name: id,
      startTimeUnixNano: '1000000',
      endTimeUnixNano: '2000000',
    })
    const spans = await readSpans([
      file({ resourceSpans: [{ scopeSpans: [{ spans: [span('a', 'c'), span('b', 'a'), span('c', 'b')] }] }] }),
    ])
    expect([...spans.rows.parent].filter((parent) => parent < 0)).toHaveLength(1)
  })
})
