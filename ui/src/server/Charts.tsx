import type { ServerHistoryView } from '../../../src/dashboard/page.ts'
import { formatBytes, formatMs, formatShare, formatShort } from '../look/format.ts'
import { Plot } from '../parts/Plot.tsx'

/** The last minutes, second by second. */
export function Charts({ history }: { readonly history: ServerHistoryView }) {
  const { at } = history
  return (
    <div class="series server-charts">
      <Plot
        title="requests"
        hint="per second"
        format={formatShort}
        at={at}
        lines={[
          { label: 'answered', values: history.answered, colour: 0 },
          { label: 'refused', values: history.refused, colour: 1 },
          { label: 'failed', values: history.failed, colour: 'failed' },
        ]}
      />
      <Plot
        title="latency"
        hint="of the answers of each second"
        format={formatMs}
        at={at}
        lines={[
          { label: 'p99', values: history.p99, colour: 6 },
          { label: 'p95', values: history.p95, colour: 3 },
          { label: 'p50', values: history.p50, colour: 2 },
        ]}
      />
      <Plot
        title="queue"
        hint="items that wait, and requests under way"
        format={formatShort}
        at={at}
        lines={[
          { label: 'waiting', values: history.queueItems, colour: 1 },
          { label: 'under way', values: history.underWay, colour: 0 },
        ]}
      />
      <Plot
        title="queue in tokens"
        hint="tokens of the items that wait"
        format={formatShort}
        at={at}
        lines={[{ label: 'tokens', values: history.queueTokens, colour: 5 }]}
      />
      <Plot
        title="busy replicas"
        hint="share of the time at work, on average"
        format={formatShare}
        at={at}
        lines={[{ label: 'busy', values: history.busy, colour: 3 }]}
      />
      <Plot
        title="memory"
        hint="server and replicas in processes"
        format={formatBytes}
        at={at}
        lines={[{ label: 'resident', values: history.rssBytes, colour: 4 }]}
      />
    </div>
  )
}
