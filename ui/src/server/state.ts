/** What the page knows of a server of models: asked again each second, as long as somebody looks. */
import { signal, type Signal } from '@preact/signals'
import type { ServerView, ViewSource } from '../../../src/dashboard/page.ts'

const everyMs = 1_000

export class ServerModel {
  readonly view: Signal<ServerView>
  /** Why nothing comes any more. */
  readonly lost: Signal<string | undefined> = signal(undefined)
  readonly #source: ViewSource

  constructor(source: ViewSource, first: ServerView) {
    this.#source = source
    this.view = signal(first)
    setTimeout(() => void this.#ask(), everyMs)
    document.addEventListener('visibilitychange', () => document.hidden || void this.#ask(false))
  }

  async #ask(again = true): Promise<void> {
    try {
      if (!document.hidden) this.view.value = (await this.#source.server?.()) ?? this.view.value
      this.lost.value = undefined
    } catch (error) {
      this.lost.value = error instanceof Error ? error.message : String(error)
    }
    if (again) setTimeout(() => void this.#ask(), everyMs)
  }
}
