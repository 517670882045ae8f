/** Pitfalls of crossing: this thread writes, reads and merges while workers wait for it. */
import { formatMs } from '../../base/duration.ts'
import { type Copied, copyingIn } from '../explain/copying.ts'
import { percent } from '../explain/words.ts'
import { codeName, type Facts, type Fault, workerRows } from './advice.ts'

/** Share of the wall time from which on it is what to change first. Chosen. */
const worthChanging = 0.2

export function copying(facts: Facts): Fault[] {
  const { related, wallMs } = facts
  const workers = Math.max(1, workerRows(facts).length)
  return copyingIn(related.trace).flatMap((copied) => {
    const { name, kind, items, writeMs, readMs, ownMs, workerMs } = copied
    // Workers write and read at once, each its part.
    const crossing = writeMs + readMs + workerMs / workers
    const faults: Fault[] = []
    // What workers copy is less of a fault than what this thread does alone with the results.
    if (Math.max(writeMs + readMs, ownMs > crossing ? 0 : crossing) >= worthChanging * wallMs) {
      faults.push({
        rule: 'copying',
        where: name,
        message: `copying for ${name} takes ${percent(crossing / wallMs)} of the wall time`,
        proof: [`${items} items: ${partWords(copied)}`],
        savingMs: crossing,
        remedy: kind === 'call' && calledByGraph(related, name) ? asTasks(name) : remedyOf(copied),
      })
    }
    if (ownMs >= worthChanging * wallMs) {
      const merges = kind === 'mapReduce'
      faults.push({
        rule: 'merging-here',
        where: name,
        message: merges
          ? `merging the results of ${name} takes ${percent(ownMs / wallMs)} of the wall time on this thread`
          : `code that takes the results of ${name} holds this thread for ${percent(ownMs / wallMs)} of the wall time`,
        proof: [`${formatMs(ownMs)} for ${items} results, while workers can do nothing of it`],
        savingMs: ownMs,
        remedy: merges
          ? `make merge a worker function of the same module: mapReduce(items, ${codeName(name)}, merge) then merges where the results are made`
          : `make it a worker function too: the stages of a stream that are worker functions run one after the other where the values are`,
      })
    }
    return faults
  })
}

function partWords({ items, bytes, writeMs, readMs, workerMs }: Copied): string {
  const each = (ms: number): string => formatMs(ms / Math.max(1, items))
  const size = bytes > 0 ? ` of about ${bytesWords(bytes / Math.max(1, items))}` : ''
  const here = [
    ...(readMs > 0 ? [`results${size} cost ${each(readMs)} each to read`] : []),
    ...(writeMs >= 0.1 * readMs ? [`arguments cost ${each(writeMs)} each to write`] : []),
  ]
  const there = workerMs >= 0.1 * (readMs + writeMs) ? `, ${each(workerMs)} each on the workers` : ''
  return `${here.join(', ')} on this thread${there}`
}

/** Whether code of a graph's tasks calls the worker function, so that its values come here in between. */
function calledByGraph({ parent, run, trace }: Facts['related'], name: string): boolean {
  const { runs, strings } = trace
  const kindOf = (task: number): string | undefined => strings[runs.kind[run[task] as number] as number]
  return parent.some(
    (above, task) =>
      above >= 0 &&
      strings[runs.name[run[task] as number] as number] === name &&
      kindOf(task) === 'call' &&
      kindOf(above) === 'graph',
  )
}

function asTasks(name: string): string {
  const fn = codeName(name)
  return `give the worker function itself to the graph: g.task('name', { left, right }, ${fn}), without a function around it; results that only worker functions need then stay with the workers`
}

function bytesWords(bytes: number): string {
  if (bytes < 1_000) return `${Math.round(bytes)} B`
  return bytes < 1e6 ? `${Math.round(bytes / 1e3)} KB` : `${(bytes / 1e6).toFixed(1)} MB`
}

function remedyOf({ name, kind, bytes, writeMs, readMs }: Copied): string {
  const fn = codeName(name)
  if (kind === 'mapReduce' && bytes > 0)
    return `give merge as a worker function: mapReduce(items, ${fn}, merge) then sends whole blocks, merged`
  if (writeMs > readMs)
    return `send less: a path or a range that the worker reads, broadcast(value) for what all calls need, transfer(buffer), or a SharedArrayBuffer; if ${fn} does little with it, inline: true`
  return `let the workers go on with the results: mapReduce(items, ${fn}, merge) with a worker function merge, or a stream of worker functions; or give back less, or transfer(result)`
}
