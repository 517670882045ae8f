/** The figures at the top: what a person on call looks at first. */
import type { ComponentChildren } from 'preact'
import type { ServerSnapshot } from '../../../src/dashboard/page.ts'
import { countOf, formatBytes, formatCount, formatMs, formatShare, formatShort } from '../look/format.ts'

interface CellProps {
  readonly title: string
  readonly hint: string
  readonly big: ComponentChildren
  readonly tone?: 'bad' | 'strong' | undefined
  readonly children?: ComponentChildren
}

function Cell({ title, hint, big, tone, children }: CellProps) {
  return (
    <div class={`cell ${tone ?? ''}`} title={hint}>
      <span class="title">{title}</span>
      <span class="big">{big}</span>
      <span class="small">{children}</span>
    </div>
  )
}

/** From here on refusals are worth a colour; chosen. */
const muchRefused = 0.01

export function Figures({ snapshot }: { readonly snapshot: ServerSnapshot }) {
  const { now, models, refused } = snapshot
  const over = now.answered + now.refused + now.failed
  const share = over === 0 ? 0 : (now.refused + now.failed) / over
  const queue = models.reduce(
    (sum, { stats }) => ({ items: sum.items + stats.queue.items, tokens: sum.tokens + stats.queue.tokens }),
    { items: 0, tokens: 0 },
  )
  const oldest = Math.max(0, ...models.map(({ stats }) => stats.queue.oldestMs))
  const replicas = models.flatMap(({ stats }) => stats.replicas)
  const busy = replicas.length === 0 ? 0 : replicas.reduce((sum, replica) => sum + replica.busy, 0) / replicas.length
  const memory = models.reduce((sum, { stats }) => sum + stats.memoryBytes, snapshot.rssBytes)
  const most = Object.entries(refused).reduce((best, entry) => (entry[1] > best[1] ? entry : best), ['', 0])
  const answered = now.answered > 0
  return (
    <section class="verdict server-figures" aria-label="Now">
      <Cell
        title="Answered"
        tone="strong"
        hint="Requests answered per second, over the last ten seconds"
        big={`${formatShort(now.answered / 10)}/s`}
      >
        {formatShort(now.requests / 10)}/s came
      </Cell>
      <Cell title="p50" hint="Half of the last ten seconds' answers took no longer" big={answered ? formatMs(now.p50) : '–'}>
        {answered ? `p95 ${formatMs(now.p95)}` : 'no answers in ten seconds'}
      </Cell>
      <Cell title="p99" hint="99 of 100 answers of the last ten seconds took no longer" big={answered ? formatMs(now.p99) : '–'}>
        {countOf(snapshot.underWay, 'request')} under way
      </Cell>
      <Cell title="Queue" hint="Items that wait for a replica, and their tokens" big={formatCount(queue.items)}>
        {formatCount(queue.tokens)} tokens{oldest > 0 && `, oldest ${formatMs(oldest)}`}
      </Cell>
      <Cell title="Busy" hint="Share of the last ten seconds in which replicas were at work" big={formatShare(busy)}>
        {countOf(replicas.length, 'replica')}
      </Cell>
      <Cell
        title="Refused"
        tone={share > muchRefused ? 'bad' : undefined}
        hint="Share of the last ten seconds' requests that got no answer"
        big={formatShare(share)}
      >
        {most[1] > 0 ? `mostly ${causeWords(most[0])}` : 'none so far'}
      </Cell>
      <Cell title="Memory" hint="Resident memory of the server and of replicas in processes" big={formatBytes(memory)}>
        {countOf(snapshot.connections, 'connection')}
      </Cell>
    </section>
  )
}

/** `queue_full` → `queue full`. */
export const causeWords = (cause: string): string => cause.replaceAll(/[_-]/g, ' ')
