import { expect, test } from 'vitest'
import { all, graph, map } from '../../index.ts'
import { exportFormats, exportTrace, record, traceOf } from '../index.ts'
import { encodeTrace } from '../format/encode.ts'

const secrets = {
  openai: `sk-proj-${'aB3'.repeat(16)}`,
  header: 'api-key: 0123456789abcdef0123456789',
  cookie: 'Cookie: sid=abcdef123456; other=ghijkl789012',
  basic: 'Authorization: Basic dXNlcjpwYXNzd29yZDEy',
  sigv4:
    'AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, Signature=fe5f80f77d5fa3beca038a248ff027d0',
  address: 'https://admin:hunter2hunter2@db.example.org/x?token=zyxwvut98765',
  privateKey: '-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkq\n-----END PRIVATE KEY-----',
}
const parts = [
  'aB3aB3aB3',
  '0123456789abcdef',
  'abcdef123456',
  'ghijkl789012',
  'dXNlcjpwYXNz',
  'AKIAIOSFODNN7',
  'fe5f80f77d5f',
  'hunter2',
  'zyxwvut98765',
  'MIIEvQ',
] as const

test('keeps no secrets in names of runs and tasks, in errors and in what is made of the trace', async () => {
  const error = await record(async () => {
    const build = graph(`deploy ${secrets.openai}`)
    for (const [name, secret] of Object.entries(secrets)) build.task(`${name} ${secret}`, () => 1)
    await build.run()
    await map([1], async () => 1, { name: `ask ${secrets.address}` })
    await all(Object.fromEntries(Object.values(secrets).map((secret) => [secret, () => 1])))
    await map([1], () => {
      throw new Error(Object.values(secrets).join(' and '), { cause: new Error(secrets.cookie) })
    })
  }).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  const trace = traceOf(error as Error)
  if (!trace) throw new Error('the run must fail')
  const written = [
    Buffer.from(encodeTrace(trace)).toString('latin1'),
    JSON.stringify(trace.strings),
    ...exportFormats.map((format) => [...exportTrace(trace, format)].join('')),
  ]
  for (const text of written) for (const part of parts) expect(text).not.toContain(part)
  expect(written[1]).toContain('deploy sk-…')
})
