/**
 * `heddle run --webhook URL`: says to another system that a run has ended, so that nobody has to ask. The body is signed with a secret that both know; a delivery
 * that fails is tried again. It is sent by a process of its own, because a program that ends with `process.exit` leaves no turn of the event loop.
 */
import { spawnSync } from 'node:child_process'
import { createHmac, randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { redacted } from '../../base/redact.ts'
import { UsageError } from '../interface/usage-error.ts'
import { say } from '../terminal/say.ts'

export const secretVariable = 'HEDDLE_WEBHOOK_SECRET'
/** Four tries within some twenty seconds: chosen, because the program waits. */
const timeoutMs = 30_000

const sender = `
const { url, headers, body } = JSON.parse(await new Response(process.stdin).text())
let last = ''
for (const waitMs of [0, 500, 1500, 4000]) {
  await new Promise((resolve) => setTimeout(resolve, waitMs))
  try {
    const { ok, status } = await fetch(url, { method: 'POST', headers, body, redirect: 'error', signal: AbortSignal.timeout(5000) })
    if (ok) process.exit(0)
    last = 'status ' + status
    if (status >= 400 && status < 500 && status !== 408 && status !== 429) break
  } catch (error) {
    last = error.cause?.message || error.message
  }
}
console.log(last)
process.exit(1)
`

export class Webhook {
  readonly #url: string
  readonly #secret: string
  readonly #program: string
  readonly #startedAt = Date.now()

  /** @throws {UsageError} for an address that is none, or without a secret */
  constructor(url: string, program: string) {
    if (!/^https?:\/\/[^\s/]/.test(url) || !URL.canParse(url))
      throw new UsageError(`Expected --webhook to be an address that begins with https://, got ${JSON.stringify(url)}`)
    const secret = process.env[secretVariable]
    if (secret === undefined || secret === '')
      throw new UsageError('--webhook needs a secret, by which the receiver verifies the sender', {
        hint: `Set ${secretVariable} in the environment of both.`,
      })
    this.#url = url
    this.#secret = secret
    this.#program = program
  }

  /** Does not throw: the run has ended as it has. */
  send(outcome: { readonly code: number; readonly error?: unknown }): void {
    const endedAt = Date.now()
    const { code, error } = outcome
    const failed = error instanceof Error && {
      error: { name: error.name, message: redacted(error.message).slice(0, 2_000) },
    }
    const body = JSON.stringify({
      event: 'run-ended',
      program: this.#program,
      host: hostname(),
      startedAt: new Date(this.#startedAt).toISOString(),
      endedAt: new Date(endedAt).toISOString(),
      ms: endedAt - this.#startedAt,
      code,
      ok: code === 0,
      ...failed,
    })
    const timestamp = String(Math.floor(endedAt / 1_000))
    const signature = createHmac('sha256', this.#secret).update(`${timestamp}.${body}`).digest('hex')
    const headers = {
      'content-type': 'application/json',
      'heddle-delivery': randomUUID(),
      'heddle-timestamp': timestamp,
      'heddle-signature': `sha256=${signature}`,
    }
    const { status, stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', sender], {
      input: JSON.stringify({ url: this.#url, headers, body }),
      encoding: 'utf8',
      timeout: timeoutMs,
      stdio: ['pipe', 'pipe', 'ignore'],
      // Options of the program, such as a loader, are not the sender's.
      env: { ...process.env, NODE_OPTIONS: '' },
    })
    if (status !== 0) say(process.stderr, `the webhook could not be delivered: ${stdout?.trim() || 'no answer in time'}`)
  }
}
