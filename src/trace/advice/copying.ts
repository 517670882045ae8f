/** Pitfalls of crossing: this thread writes, reads and merges while workers wait for it. */
import { formatMs } from '../../base/duration.ts'
import { type Copied, copyingIn } from '../explain/copying.ts'
import { percent } from '../explain/words.ts'
import { codeName, type Facts, type Fault } from './advice.ts'

/** Share of the wall time from which on it is what to change first. Chosen. */
const worthChanging = 0.2

export function copying({ related, wallMs }: Facts): Fault[] {
  return copyingIn(related.trace).flatMap((copied) => {
    const { name, kind, items, writeMs, readMs, ownMs } = copied
    const crossing = writeMs + readMs
    const faults: Fault[] = []
    if (crossing >= worthChanging * wallMs) {
      faults.push({
        rule: 'copying',
        where: name,
        message: `copying for ${name} takes ${percent(crossing / wallMs)} of the wall time`,
        proof: [`${items} items: ${partWords(copied)} on this thread`],
        savingMs: crossing,
        remedy: remedyOf(copied),
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

function partWords({ items, bytes, writeMs, readMs }: Copied): string {
  const each = (ms: number): string => formatMs(ms / Math.max(1, items))
  const size = bytes > 0 ? ` of about ${bytesWords(bytes / Math.max(1, items))}` : ''
  return [
    ...(readMs > 0 ? [`results${size} cost ${each(readMs)} each to read`] : []),
    ...(writeMs >= 0.1 * readMs ? [`arguments cost ${each(writeMs)} each to write`] : []),
  ].join(', ')
}

function bytesWords(bytes: number): string {
  if (bytes < 1_000) return `${Math.round(bytes)} B`
  return bytes < 1e6 ? `${Math.round(bytes / 1e3)} KB` : `${(bytes / 1e6).toFixed(1)} MB`
}

function remedyOf({ name, kind, writeMs, readMs }: Copied): string {
  const fn = codeName(name)
  if (writeMs > readMs)
    return `send less: a path or a range that the worker reads, broadcast(value) for what all calls need, transfer(buffer), or a SharedArrayBuffer; if ${fn} does little with it, inline: true`
  if (kind === 'mapReduce')
    return `give merge as a worker function: mapReduce(items, ${fn}, merge) then sends whole blocks, merged`
  return `let the workers go on with the results: mapReduce(items, ${fn}, merge) with a worker function merge, or a stream of worker functions; or give back less, or transfer(result)`
}
