/** What a server gives to Prometheus, read by Prometheus' own client for Python. */
import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { serve } from '../src/serve/index.ts'
import { counterparts } from './support/counterparts.ts'

const prometheus = counterparts('prometheus')

const read = `
import json, sys
from prometheus_client.parser import text_string_to_metric_families
families = list(text_string_to_metric_families(sys.stdin.read()))
print(json.dumps({family.name: [family.type, [[s.name, s.labels, s.value] for s in family.samples]] for family in families}))
`

test.skipIf(!prometheus)('the metrics of a server are read as they are meant', async () => {
  const models = { 'org/shout': (text: string) => text.toUpperCase() }
  await using server = await serve({ models, keys: [{ name: 'a "b"', key: 'key-number-one' }] }).listen()
  const headers = { 'content-type': 'application/json', authorization: 'Bearer key-number-one' }
  for (let i = 0; i < 3; i++) await fetch(`${server.url}/v1/run/org/shout`, { method: 'POST', headers, body: '"x"' })
  await fetch(`${server.url}/v1/run/other`, { method: 'POST', headers, body: '"x"' })
  const text = await (await fetch(`${server.url}/metrics`, { headers })).text()
  const parsed = JSON.parse(
    execFileSync(prometheus?.python as string, ['-c', read], { input: text, encoding: 'utf8' }),
  ) as Record<string, [string, [string, Record<string, string>, number][]]>
  expect(parsed['heddle_serve_requests']).toEqual([
    'counter',
    expect.arrayContaining([['heddle_serve_requests_total', { route: '/v1/run/NAME', model: 'org/shout', status: '200' }, 3]]),
  ])
  expect(parsed['heddle_serve_key_requests']?.[1]).toContainEqual(['heddle_serve_key_requests_total', { key: 'a "b"' }, 4])
  const [type, samples] = parsed['heddle_serve_request_seconds'] ?? []
  expect(type).toBe('histogram')
  const labels = { route: '/v1/run/NAME', model: 'org/shout' }
  expect(samples).toContainEqual(['heddle_serve_request_seconds_count', labels, 3])
  expect(samples).toContainEqual(['heddle_serve_request_seconds_bucket', { ...labels, le: '+Inf' }, 3])
  expect(Object.values(parsed).every(([kind]) => ['counter', 'gauge', 'histogram'].includes(kind))).toBe(true)
  expect(Object.keys(parsed).length).toBeGreaterThan(25)
})
