/** The page of a server of models: how it does now, over the last minutes, and by model, replica, key and cause. */
import { useEffect } from 'preact/hooks'
import { formatMs } from '../look/format.ts'
import { Icon } from '../parts/Icon.tsx'
import { Logo } from '../parts/Logo.tsx'
import { switchTheme, theme } from '../state/theme.ts'
import { Figures } from './Figures.tsx'
import { Charts } from './Charts.tsx'
import { Models } from './Models.tsx'
import { Keys, Refusals } from './Counts.tsx'
import type { ServerModel } from './state.ts'

export function ServerPage({ model }: { readonly model: ServerModel }) {
  const view = model.view.value
  const { snapshot } = view
  useEffect(() => {
    const keys = (event: KeyboardEvent): void => {
      if (event.key.toLowerCase() === 't' && !event.ctrlKey && !event.metaKey && !event.altKey) switchTheme()
    }
    addEventListener('keydown', keys)
    return () => removeEventListener('keydown', keys)
  }, [])
  useEffect(() => {
    document.title = `${Math.round(snapshot.second.answered)}/s · ${new URL(snapshot.url).host} · heddle`
  }, [view])
  return (
    <div class="server-page">
      <header class="top">
        <Logo />
        <h1 title={snapshot.url}>{snapshot.url}</h1>
        <Standing model={model} />
        <span class="space" />
        <button
          class="button"
          type="button"
          title={`${theme.value === 'dark' ? 'Light' : 'Dark'} (T)`}
          aria-label="Switch between light and dark"
          onClick={switchTheme}
        >
          <Icon name={theme.value === 'dark' ? 'sun' : 'moon'} />
        </button>
      </header>
      <Figures snapshot={snapshot} />
      <main class="server-body">
        <Charts history={view.history} />
        <Models models={snapshot.models} />
        <div class="server-pair">
          <Refusals snapshot={snapshot} />
          <Keys keys={snapshot.keys} />
        </div>
      </main>
    </div>
  )
}

const tones = { ready: 'live', loading: 'warn', draining: 'warn' } as const

function Standing({ model }: { readonly model: ServerModel }) {
  const { snapshot } = model.view.value
  if (model.lost.value !== undefined) {
    return (
      <span class="pill bad" role="status" title={model.lost.value}>
        connection lost: {model.lost.value}
      </span>
    )
  }
  return (
    <span class={`pill ${tones[snapshot.state]}`} role="status">
      {snapshot.state === 'ready' && <i />} {snapshot.state} · {formatMs(snapshot.upMs)}
    </span>
  )
}
