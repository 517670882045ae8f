import { render } from 'preact'
import type { ViewSource } from '../../src/dashboard/page.ts'
import { App } from './frame/App.tsx'
import './look/index.css'
import { Refused } from './frame/Refused.tsx'
import { ServerPage } from './server/ServerPage.tsx'
import { ServerModel } from './server/state.ts'
import { Model } from './state/model.ts'
import { applyTheme } from './state/theme.ts'

/** Shows what a source has; whom it asks is all that the two pages differ in. */
export async function start(open: () => Promise<ViewSource>): Promise<void> {
  applyTheme()
  const place = document.getElementById('app') as HTMLElement
  try {
    const source = await open()
    const server = await source.server?.()
    if (server) return render(<ServerPage model={new ServerModel(source, server)} />, place)
    const model = new Model(source, await source.overview({}))
    model.watchTitle()
    render(<App model={model} />, place)
  } catch (error) {
    render(<Refused reason={error instanceof Error ? error.message : String(error)} />, place)
  }
}
