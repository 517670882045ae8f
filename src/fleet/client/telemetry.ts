/**
 * The context of OpenTelemetry that is active here, as text for machines elsewhere: through the propagator of the program's own SDK. It is found where
 * `@opentelemetry/api` registers it, so that nothing is loaded where a program has none.
 */
import type { Context, TextMapPropagator } from '@opentelemetry/api'

/** What the API, version 1, hangs on the global object. */
const registered = Symbol.for('opentelemetry.js.api.1')

interface Registered {
  readonly context?: { active(): Context }
  readonly propagation?: TextMapPropagator
}

/** Longer ones are no context. */
const mostText = 1_000

export function traceCarrier(): Readonly<Record<string, string>> | undefined {
  const api = (globalThis as { readonly [registered]?: Registered })[registered]
  if (!api?.context || !api.propagation) return undefined
  const carrier: Record<string, string> = {}
  api.propagation.inject(api.context.active(), carrier, {
    set: (to: Record<string, string>, key, value) => {
      if (value.length <= mostText) to[key] = value
    },
  })
  return Object.keys(carrier).length > 0 ? carrier : undefined
}
