/** What is shown, how it stands, and the page's own tools. */
import { exportFiles, type ReportFormat } from '../../../src/dashboard/page.ts'
import { countOf, formatMs } from '../look/format.ts'
import { Icon } from '../parts/Icon.tsx'
import { Logo } from '../parts/Logo.tsx'
import { Menu } from '../parts/Menu.tsx'
import { Swatch } from '../parts/Swatch.tsx'
import { useModel } from '../state/context.ts'
import { behindMs } from '../state/model.ts'
import { switchTheme, theme } from '../state/theme.ts'
import { lengthOf } from '../time/scale.ts'
import { save, saving } from './save.ts'

export function Header({ onHelp, onSearch }: { readonly onHelp: () => void; readonly onSearch: () => void }) {
  const model = useModel()
  const head = model.head.value
  return (
    <header class="top">
      <Logo />
      <h1 title={head?.name}>{head?.name ?? ''}</h1>
      <Standing />
      <Filters />
      <span class="space" />
      <span class="muted facts-line">
        {head && (
          <>
            {new Date(head.epochMs).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' })} · {head.runtime} ·{' '}
            {countOf(head.cores, 'core')}
          </>
        )}
      </span>
      <button class="button wide" type="button" onClick={onSearch} title="Search tasks">
        <Icon name="search" /> Search <kbd>/</kbd>
      </button>
      <Menu
        id="exports"
        label="Export (E)"
        items={model.source.exports.map((format: ReportFormat) => ({
          key: format,
          title: exportFiles[format].title,
          note: `.${exportFiles[format].extension}`,
          pick: () => void save(model, format),
        }))}
      >
        <Icon name="save" /> {saving.value ? 'Saving …' : 'Export'}
      </Menu>
      <button
        class="button"
        type="button"
        title={`${theme.value === 'dark' ? 'Light' : 'Dark'} (T)`}
        aria-label="Switch between light and dark"
        onClick={switchTheme}
      >
        <Icon name={theme.value === 'dark' ? 'sun' : 'moon'} />
      </button>
      <button class="button" type="button" title="Keys (?)" aria-label="Keys" onClick={onHelp}>
        <Icon name="help" />
      </button>
    </header>
  )
}

const resting = 'The program needs every core: the page refreshes less often, so as not to slow it. Counts are those of now.'

function Standing() {
  const model = useModel()
  const link = model.link.value
  const head = model.head.value
  const tick = model.tick.value
  if (link.state === 'lost') {
    return (
      <span class="pill bad" role="status" title={link.reason}>
        connection lost: {link.reason}
      </span>
    )
  }
  if (!tick) return <span class="pill">connecting …</span>
  if (tick.live) {
    const behind = head !== undefined && tick.nowMs - head.nowMs > behindMs
    return (
      <span class="pill live" role="status" title={behind ? resting : undefined}>
        <i /> live · {formatMs(tick.nowMs)}
        {behind && `, shown until ${formatMs(head.nowMs)}`}
      </span>
    )
  }
  if (head && !head.complete) {
    return (
      <span class="pill warn" title="The program ended without ending its recording: what it had written is shown.">
        cut short after {formatMs(tick.nowMs)}
      </span>
    )
  }
  return <span class="pill">finished in {formatMs(head ? lengthOf(head.wall) : tick.nowMs)}</span>
}

/** What the panels are narrowed to, and the way back. */
function Filters() {
  const model = useModel()
  const [range, group] = [model.range.value, model.group.value]
  return (
    <>
      {range && (
        <button
          class="chip"
          type="button"
          title="Show all of the time again (Esc)"
          onClick={() => (model.range.value = undefined)}
        >
          {formatMs(range.from)} – {formatMs(range.to)} <Icon name="close" />
        </button>
      )}
      {group !== undefined && (
        <button class="chip" type="button" title="Show all groups again (Esc)" onClick={() => (model.group.value = undefined)}>
          <Swatch group={group} /> {model.label(group)} <Icon name="close" />
        </button>
      )}
    </>
  )
}
