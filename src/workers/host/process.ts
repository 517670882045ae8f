/**
 * A child process as a {@link Link}: for code that may take the whole process down, as one huge allocation does. Calls travel one
 * at a time, because nobody can see from outside which of several had started when the process died.
 */
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { WireError, WorkerMessage } from '../protocol.ts'
import { sourcesEntry, workerEntry } from './entry.ts'
import type { Link, LinkEvents, LinkOptions, Progress } from './link.ts'

export function openProcess(options: LinkOptions, events: LinkEvents): Link {
  const sources = sourcesEntry()
  const child = fork(fileURLToPath(workerEntry()), [], {
    serialization: 'advanced',
    execArgv: options.memoryLimitMb === undefined ? [] : [`--max-old-space-size=${options.memoryLimitMb}`],
    env: { ...process.env, ...(sources !== undefined && { HEDDLE_SOURCES: sources }) },
  })
  let failure: unknown
  let gone = false
  let started: Progress = { batch: 0, started: 0, looping: false, startedAt: 0 }
  const exit = (code: number | undefined, reason: string): void => {
    if (gone) return
    gone = true
    events.exit({ code, reason, error: failure })
  }
  child.on('message', (message: WorkerMessage | { type: 'crashed'; error: WireError } | { type: 'started'; batch: number }) => {
    if (message.type === 'crashed') failure = message.error
    else if (message.type === 'started')
      started = { batch: message.batch, started: 1, looping: true, startedAt: performance.timeOrigin + performance.now() }
    else events.message(message)
  })
  child.on('error', (error) => {
    failure = error
    exit(undefined, error.message)
  })
  // 'close' comes when the pipes are empty: every message that was sent has arrived.
  child.on('close', (code, signal) => exit(code ?? undefined, signal === null ? `exit code ${code}` : `signal ${signal}`))
  return {
    post(message) {
      if (!gone && child.connected) child.send(message as never, () => {})
    },
    control(message) {
      if (!gone && child.connected) child.send(message as never, () => {})
    },
    poll: () => false,
    progress: () => started,
    revoke: () => false,
    kill: () => void child.kill('SIGKILL'),
    ref: () => {
      child.ref()
      child.channel?.ref()
    },
    unref: () => {
      child.unref()
      child.channel?.unref()
    },
  }
}
