/**
 * The end of a process that was asked to end. `process.exit` waits for the threads of Node's pool, and one of them may be blocked for ever, such as in
 * reading a pipe that nobody writes to. A small process of our own, which ends with the pipe that it reads from, ends such a process.
 */
import { spawn } from 'node:child_process'

const waitSeconds = 1

/** `$1` is the process. */
const script = `
{ sleep ${waitSeconds}; kill -KILL "$1" 2>/dev/null; } &
read -r _
kill $! 2>/dev/null
`

export function exitForSure(code: number): never {
  if (process.platform !== 'win32') {
    // In a group of its own: what the terminal sends is not for it.
    const child = spawn('/bin/sh', ['-c', script, 'heddle', String(process.pid)], {
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    })
    child.on('error', () => {})
  }
  process.exit(code)
}
