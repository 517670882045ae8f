/** What was refused, by cause; and who asked, by key. Since the server began. */
import type { ServerSnapshot } from '../../../src/dashboard/page.ts'
import { formatCount, formatShort } from '../look/format.ts'
import { causeWords } from './Figures.tsx'

export function Refusals({ snapshot }: { readonly snapshot: ServerSnapshot }) {
  const causes = Object.entries(snapshot.refused).toSorted((a, b) => b[1] - a[1])
  const total = causes.reduce((sum, [, count]) => sum + count, 0)
  return (
    <section class="server-counts" aria-label="Refusals by cause">
      <h2>
        <b>Without an answer</b> <span class="muted">since the server began</span>
      </h2>
      {total === 0 ? (
        <p class="muted">Every request has been answered.</p>
      ) : (
        <table class="plain-table">
          <tbody>
            {causes.map(([cause, count]) => (
              <tr key={cause}>
                <td>{causeWords(cause)}</td>
                <td class="wide">
                  <span class="busy-bar" style={{ '--share': count / total }} />
                </td>
                <td class="right">{formatCount(count)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  )
}

/** Beyond this a person looks into the metrics; chosen. */
const keysShown = 20

export function Keys({ keys }: { readonly keys: ServerSnapshot['keys'] }) {
  const rows = Object.entries(keys).toSorted((a, b) => b[1].requests - a[1].requests)
  return (
    <section class="server-counts" aria-label="Keys">
      <h2>
        <b>By key</b>{' '}
        {rows.length > keysShown && (
          <span class="muted">
            the {keysShown} busiest of {formatCount(rows.length)}
          </span>
        )}
      </h2>
      {rows.length === 0 ? (
        <p class="muted">Nobody has asked yet.</p>
      ) : (
        <table class="plain-table">
          <thead>
            <tr>
              <th>key</th>
              <th class="right">requests</th>
              <th class="right">answered</th>
              <th class="right">refused</th>
              <th class="right">failed</th>
              <th class="right">tokens in</th>
              <th class="right">out</th>
            </tr>
          </thead>
          <tbody>
            {rows.slice(0, keysShown).map(([name, counts]) => (
              <tr key={name}>
                <td title={name}>{name === '' ? <span class="muted">without a key</span> : name}</td>
                <td class="right">{formatCount(counts.requests)}</td>
                <td class="right">{formatCount(counts.answered)}</td>
                <td class="right">{formatCount(counts.refused)}</td>
                <td class={`right${counts.failed > 0 ? ' bad' : ''}`}>{formatCount(counts.failed)}</td>
                <td class="right">{formatShort(counts.tokensIn)}</td>
                <td class="right">{formatShort(counts.tokensOut)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  )
}
