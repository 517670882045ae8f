import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Cancelled, InvalidOption } from '../../base/errors.ts'
import { askInTerminal, type Inbox, openInbox, type OpenQuestion, serveInbox } from '../index.ts'

let folder: string
let path: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'heddle-inbox-'))
  path = join(folder, 'inbox.jsonl')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

async function opened(inbox: Inbox): Promise<OpenQuestion> {
  for (;;) {
    const [question] = inbox.open
    if (question) return question
    await new Promise<void>((resolve) => inbox.onChange(resolve))
  }
}

describe('an inbox', () => {
  test('waits across restarts, asks nothing twice and forgets no decision', async () => {
    const told: string[] = []
    const options = { notify: ({ id }: OpenQuestion): void => void told.push(id) }
    const question = { id: 'mail', text: 'Send this?', draft: 'Dear all' }
    {
      await using inbox = await openInbox(path, options)
      void inbox.ask(question)
      await opened(inbox)
    }
    {
      await using inbox = await openInbox(path, options)
      const asked = inbox.ask(question)
      const { key, askedAt } = await opened(inbox)
      expect(askedAt).toBeLessThanOrEqual(Date.now())
      expect(await inbox.answer(key, { decision: 'edit', value: 'Dear you', by: 'Ada' })).toBe(true)
      expect(await asked).toEqual({ decision: 'edit', value: 'Dear you', by: 'Ada' })
      expect(await inbox.answer(key, { decision: 'reject' })).toBe(false)
    }
    await using inbox = await openInbox(path, options)
    expect(await inbox.ask(question)).toMatchObject({ decision: 'edit', value: 'Dear you' })
    expect(inbox.open).toEqual([])
    await new Promise((resolve) => setImmediate(resolve))
    expect(told).toEqual(['mail'])
  })

  test('does not take the approval of one draft for another', async () => {
    await using inbox = await openInbox(path)
    const first = inbox.ask({ id: 'pay', text: 'Pay?', draft: { usd: 1 } })
    await inbox.answer((await opened(inbox)).key, { decision: 'approve' })
    await first
    void inbox.ask({ id: 'pay', text: 'Pay?', draft: { usd: 1_000_000 } }).catch(() => {})
    expect((await opened(inbox)).draft).toEqual({ usd: 1_000_000 })
  })

  test('of two decisions at once the first counts; two who ask the same get one', async () => {
    await using inbox = await openInbox(path)
    const asked = [1, 2].map(() => inbox.ask({ id: 'x', text: 'X?' }))
    const { key } = await opened(inbox)
    expect(inbox.open).toHaveLength(1)
    const counted = await Promise.all([inbox.answer(key, { decision: 'approve' }), inbox.answer(key, { decision: 'reject' })])
    expect(counted).toEqual([true, false])
    expect(await Promise.all(asked)).toEqual([{ decision: 'approve' }, { decision: 'approve' }])
  })

  test('a wait that is cancelled leaves the list, and is there again when it is asked again', async () => {
    await using inbox = await openInbox(path)
    const controller = new AbortController()
    const asked = inbox.ask({ id: 'x', text: 'X?' }, { signal: controller.signal })
    await opened(inbox)
    controller.abort()
    await expect(asked).rejects.toBeInstanceOf(Cancelled)
    expect(inbox.open).toEqual([])
    const again = inbox.ask({ id: 'x', text: 'X?' })
    await inbox.answer((await opened(inbox)).key, { decision: 'approve' })
    expect(await again).toEqual({ decision: 'approve' })
  })

  test('refuses what is no question and no decision', async () => {
    await using inbox = await openInbox(path)
    await expect(inbox.ask({ id: '', text: 'x' })).rejects.toBeInstanceOf(InvalidOption)
    await expect(inbox.ask({ id: 'x', text: 'x', draft: 1n })).rejects.toThrow(/what JSON can hold/)
    await expect(inbox.answer('x', { decision: 'maybe' } as never)).rejects.toThrow(/approve/)
    await expect(inbox.answer('x', { decision: 'edit' })).rejects.toThrow(/`value`/)
    await expect(inbox.answer('x', null as never)).rejects.toThrow(/a decision/)
  })
})

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: string
}

function http(port: number, method: string, at: string, headers: Record<string, string> = {}, body = ''): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, method, path: at, headers, agent: false }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (piece: string) => (text += piece))
      response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }))
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

describe('the server of an inbox', () => {
  const hostile = '<script>alert(1)</script> \u202Egnp.exe \u001B[2J'

  test('lists and takes decisions of who has the token, and of nobody else', async () => {
    await using inbox = await openInbox(path)
    await using page = await serveInbox(inbox)
    const asked = inbox.ask({ id: 'x', text: hostile, draft: '</textarea><script>alert(2)</script>' })
    const { key } = await opened(inbox)
    const { port, token } = page
    const bearer = { authorization: `Bearer ${token}` }
    expect((await http(port, 'GET', '/questions')).status).toBe(401)
    expect((await http(port, 'GET', '/questions', { authorization: 'Bearer wrong' })).status).toBe(401)
    expect((await http(port, 'GET', '/?token=wrong')).status).toBe(401)
    expect((await http(port, 'GET', '/questions', { ...bearer, host: 'evil.example' })).status).toBe(403)
    expect(JSON.parse((await http(port, 'GET', '/questions', bearer)).body)).toMatchObject({ questions: [{ key, id: 'x' }] })
    const entered = await http(port, 'GET', `/?token=${token}`)
    const cookie = String(entered.headers['set-cookie']).split(';')[0] ?? ''
    expect(entered.status).toBe(303)
    const shown = await http(port, 'GET', '/', { cookie })
    for (const text of ['<script', '\u202E', '\u001B']) expect(shown.body).not.toContain(text)
    expect(String(shown.headers['content-security-policy'])).toMatch(/default-src 'none'/)
    const at = `/questions/${encodeURIComponent(key)}`
    const form = { cookie, 'content-type': 'application/x-www-form-urlencoded' }
    expect((await http(port, 'POST', at, form, 'decision=approve')).status).toBe(403)
    expect((await http(port, 'POST', at, { ...form, origin: 'http://evil.example' }, 'decision=approve')).status).toBe(403)
    expect((await http(port, 'POST', at, bearer, '{ no JSON')).status).toBe(400)
    expect((await http(port, 'POST', at, bearer, JSON.stringify({ decision: 'perhaps' }))).status).toBe(400)
    expect((await http(port, 'POST', at, bearer, 'x'.repeat(3_000_000)).catch(() => ({ status: 413 }))).status).toBe(413)
    expect((await http(port, 'DELETE', at, bearer)).status).toBe(404)
    expect(inbox.open).toHaveLength(1)
    const origin = `http://127.0.0.1:${port}`
    const edited = 'decision=edit&value=mine%0D%0Atoo&note=shorter'
    expect((await http(port, 'POST', at, { ...form, origin }, edited)).status).toBe(303)
    expect(await asked).toEqual({ decision: 'edit', value: 'mine\ntoo', note: 'shorter' })
    expect((await http(port, 'POST', at, bearer, JSON.stringify({ decision: 'approve' }))).status).toBe(409)
  })

  test('an answer of 200 means that the decision is on the disk', async () => {
    await using inbox = await openInbox(path)
    await using page = await serveInbox(inbox, { token: 'a-token-of-one-s-own' })
    void inbox.ask({ id: 'x', text: 'X?' })
    const { key } = await opened(inbox)
    const bearer = { authorization: `Bearer ${page.token}` }
    const body = JSON.stringify({ decision: 'approve', note: 'on disk' })
    expect((await http(page.port, 'POST', `/questions/${encodeURIComponent(key)}`, bearer, body)).status).toBe(200)
    expect(readFileSync(path, 'utf8')).toContain('on disk')
    await expect(serveInbox(inbox, { token: 'short' })).rejects.toThrow(/16 to 200/)
  })
})

describe('the terminal form', () => {
  test('takes decisions one after the other, and shows nothing that would drive the terminal', async () => {
    await using inbox = await openInbox(path)
    const [input, output] = [new PassThrough(), new PassThrough()]
    let shown = ''
    output.on('data', (piece: Buffer) => (shown += piece.toString()))
    const stop = askInTerminal(inbox, { input, output })
    const asked = [
      inbox.ask({ id: '1', text: 'First \u001B]0;title\u0007\u001B[2J?' }),
      inbox.ask({ id: '2', text: 'Second?', draft: 'old' }),
      inbox.ask({ id: '3', text: 'Third?', draft: { n: 1 } }),
    ]
    const says = async (text: string): Promise<void> => {
      while (!shown.includes(text)) await new Promise((resolve) => setImmediate(resolve))
    }
    await says('First')
    input.write('what\nr not now\n')
    await says('Second')
    input.write('e\nnew\nlines\n.\n')
    await says('Third')
    input.write('e\nno json\n.\ne\n{"n":2}\n.\n')
    expect(await Promise.all(asked)).toEqual([
      { decision: 'reject', note: 'not now' },
      { decision: 'edit', value: 'new\nlines' },
      { decision: 'edit', value: { n: 2 } },
    ])
    expect(shown).not.toContain('\u001B')
    stop()
  })
})
