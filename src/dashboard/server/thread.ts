/** The thread in which the server lives, away from the thread that runs the tasks. Its messages stand in `messages.ts`. */
import { parentPort, workerData } from 'node:worker_threads'
import { toError } from '../../base/errors.ts'
import { exportTrace } from '../../trace/export/index.ts'
import { readTraceBytes } from '../../trace/format/file.ts'
import { Recording } from '../model/recording.ts'
import { ServerHistory } from '../model/server-history.ts'
import type { FromServer, ServerStart, ToServer } from './messages.ts'
import { servedPage, writeReport } from './pages.ts'
import { serve } from './serve.ts'
import { frameOf } from './source-lines.ts'

const port = parentPort
if (!port) throw new Error('The server of the dashboard runs in a thread of its own')
const say = (message: FromServer): void => port.postMessage(message)
const recording = new Recording({ write: exportTrace, report: writeReport, frameOf: (stack) => frameOf(stack) })
const standing = new ServerHistory()

/** Damage must not end the page: what had come before stays there. */
function take(message: ToServer): void {
  try {
    if (message.type === 'blocks') for (const block of message.blocks) recording.push(block)
    else if (message.type === 'standing') standing.push(message.snapshot)
    else recording.end()
  } catch (error) {
    say({ type: 'failed', message: toError(error).message })
  }
}

async function start({ file, port: wanted, token }: ServerStart): Promise<void> {
  servedPage()
  if (file !== undefined) {
    recording.push(readTraceBytes(file))
    recording.end()
    // What the first view needs is ready before a browser asks for it.
    const { head } = recording.answer('overview', {})
    recording.answer('window', { ...head.wall, to: Math.max(head.wall.to, head.wall.from + 1), columns: 1_024 })
  }
  const server = await serve(recording, { port: wanted, token, standing })
  say({ type: 'ready', url: server.url })
}

port.on('message', take)
start(workerData as ServerStart).catch((error: unknown) => {
  const { message, name, hint } = toError(error) as Error & { hint?: string }
  say({ type: 'failed', message, name, ...(hint !== undefined && { hint }) })
  port.close()
})
