/** Each model with its queue, batches and replicas. */
import type { ServerSnapshot } from '../../../src/dashboard/page.ts'
import { countOf, formatBytes, formatCount, formatMs, formatShare, formatShort } from '../look/format.ts'
import { causeWords } from './Figures.tsx'

type Model = ServerSnapshot['models'][number]
type Replica = Model['stats']['replicas'][number]

export function Models({ models }: { readonly models: ServerSnapshot['models'] }) {
  return (
    <>
      {models.map((model) => (
        <One key={model.stats.name} model={model} />
      ))}
    </>
  )
}

function One({ model: { stats, counts } }: { readonly model: Model }) {
  const { queue, batches } = stats
  const refused = Object.entries(stats.refused).filter(([, count]) => count > 0)
  const facts: readonly (readonly [string, string, string])[] = [
    ['answered', `${formatShort(stats.perSecond)}/s`, 'Items answered per second, over the last ten seconds'],
    ['p50', formatMs(stats.latencyMs.p50), 'Of the latest thousand items'],
    ['p95', formatMs(stats.latencyMs.p95), 'Of the latest thousand items'],
    ['p99', formatMs(stats.latencyMs.p99), 'Of the latest thousand items'],
    ['waited p95', formatMs(stats.queuedMs.p95), 'In the queue, of the latest thousand items'],
    ['queue', `${formatCount(queue.items)}${bound(queue.maxItems)}`, 'Items that wait, of how many may'],
    ['tokens', `${formatCount(queue.tokens)}${bound(queue.maxTokens)}`, 'Tokens that wait, of how many may'],
    ['requests', formatCount(counts.requests), 'Since the server began'],
    ['tokens in, out', `${formatShort(counts.tokensIn)}, ${formatShort(counts.tokensOut)}`, 'Since the server began'],
    ['failed', formatCount(stats.failed), 'Items that the model rejected'],
    ['tried again', formatCount(stats.retried), 'After the loss of a replica'],
    ['hedged', formatCount(stats.hedged), 'Second tries of slow batches'],
    ['memory', stats.memoryBytes > 0 ? formatBytes(stats.memoryBytes) : '–', 'Resident memory of its replicas'],
  ]
  return (
    <section class="server-model" aria-label={`Model ${stats.name}`}>
      <h2>
        <b title={stats.name}>{stats.name}</b> <span class="muted">{stats.kind}</span>
        <span class={`badge${stats.state === 'ready' ? ' running' : stats.state === 'loading' ? ' cancelled' : ''}`}>
          {stats.state}
        </span>
        {refused.length > 0 && (
          <span class="muted">
            refused: {refused.map(([cause, count]) => `${causeWords(cause)} ${formatCount(count)}`).join(', ')}
          </span>
        )}
      </h2>
      <dl>
        {facts.map(([title, value, hint]) => (
          <div key={title} title={hint}>
            <dt>{title}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <div class="server-model-parts">
        <Replicas replicas={stats.replicas} />
        <Batches batches={batches} />
      </div>
    </section>
  )
}

/** JSON has no infinity: what has no bound is null. */
const bound = (most: number | null): string => (most === null || !Number.isFinite(most) ? '' : ` / ${formatShort(most)}`)

function Replicas({ replicas }: { readonly replicas: readonly Replica[] }) {
  return (
    <div>
      <table class="plain-table" aria-label="Replicas">
        <thead>
          <tr>
            <th>replica</th>
            <th>state</th>
            <th class="wide">busy</th>
            <th class="right">batches</th>
            <th class="right">items</th>
            <th class="right">restarts</th>
            <th>breaker</th>
          </tr>
        </thead>
        <tbody>
          {replicas.map(({ id, pid, state, busy, batches, items, restarts, breaker }) => (
            <tr key={id}>
              <td title={pid === undefined ? 'a thread, or the server itself' : `process ${pid}`}>{id}</td>
              <td>{causeWords(state)}</td>
              <td class="wide">
                <span class="busy-bar" style={{ '--share': busy }}>
                  {formatShare(busy)}
                </span>
              </td>
              <td class="right">{formatCount(batches)}</td>
              <td class="right">{formatCount(items)}</td>
              <td class={`right${restarts > 0 ? ' bad' : ''}`}>{formatCount(restarts)}</td>
              <td class={breaker === 'closed' ? 'muted' : 'bad'}>{breaker}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

/** How many batches had how many items. */
function Batches({ batches }: { readonly batches: Model['stats']['batches'] }) {
  const most = Math.max(1, ...batches.sizes.map(({ count }) => count))
  const mean = batches.count === 0 ? 0 : batches.items / batches.count
  const tokens = batches.count === 0 ? 0 : batches.tokens / batches.count
  const many = batches.items > batches.count
  return (
    <figure class="batches" aria-label="Sizes of batches">
      <figcaption class="muted">
        {countOf(batches.count, 'batch', 'batches')}
        {many ? `, ${formatShort(mean)} items` : ' of one item'}, {formatShort(tokens)} tokens on average
      </figcaption>
      <ol hidden={!many}>
        {batches.sizes.map(({ upTo, count }, i) => (
          <li key={upTo} title={`${formatCount(count)} batches of ${sizeWords(batches.sizes[i - 1]?.upTo, upTo)}`}>
            <i style={{ '--share': count / most }} />
            <span>{upTo}</span>
          </li>
        ))}
      </ol>
    </figure>
  )
}

const sizeWords = (before: number | undefined, upTo: number): string =>
  before === undefined || before + 1 === upTo ? `${upTo} items` : `${before + 1} to ${upTo} items`
