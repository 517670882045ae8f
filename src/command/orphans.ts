/**
 * Nothing of a command outlives the program: each runs in a process group of its own, so that it can be ended with all that it started, but a signal to the
 * program's group does not reach it there. A small shell reads from a pipe which groups run. When the pipe ends, however the program died,
 * it ends those that are left.
 */
import type { Socket } from 'node:net'
import type { Writable } from 'node:stream'
import { lazily } from '../base/builtin.js'

const childProcess = lazily('node:child_process')

const script = `
trap '' INT TERM HUP
running=' '
while read -r what id; do
  case $what in
    +) running="$running$id " ;;
    -) running="\${running%% $id *} \${running#* $id }" ;;
  esac
done
[ "$running" = "\${running#*[0-9]}" ] && exit
for id in $running; do kill -TERM "-$id" 2>/dev/null; done
sleep 2
for id in $running; do kill -KILL "-$id" 2>/dev/null; done
`

let guard: Writable | undefined

/** A command runs in the group of that number. Gives what says that it has ended. */
export function guardGroup(group: number): () => void {
  guard ??= start()
  guard?.write(`+ ${group}\n`)
  return () => void guard?.write(`- ${group}\n`)
}

function start(): Writable | undefined {
  const child = childProcess().spawn('/bin/sh', ['-c', script], { stdio: ['pipe', 'ignore', 'ignore'], detached: true })
  const lose = (): void => {
    guard = undefined
  }
  child.on('error', lose).on('exit', lose)
  child.unref()
  const pipe = child.stdin as Socket | null
  pipe?.on('error', () => {})
  pipe?.unref()
  return pipe ?? undefined
}
