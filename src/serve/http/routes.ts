/** The addresses of the server: which path is which endpoint. Long names of models may have slashes, so that the rest of a path is a name. */
import { chat } from './endpoints/chat.ts'
import { classify } from './endpoints/classify.ts'
import type { Endpoint } from './endpoints/call.ts'
import { completions } from './endpoints/completions.ts'
import { embeddings } from './endpoints/embeddings.ts'
import { run } from './endpoints/run.ts'

export type Route =
  | { readonly name: string; readonly method: 'GET'; readonly page: 'health' | 'ready' | 'metrics' | 'models' }
  | { readonly name: string; readonly method: 'GET'; readonly page: 'model'; readonly model: string }
  /** `model` is in the path, else in the body. */
  | { readonly name: string; readonly method: 'POST'; readonly endpoint: Endpoint; readonly model?: string }

const pages = { '/health': 'health', '/ready': 'ready', '/metrics': 'metrics', '/v1/models': 'models' } as const
const endpoints: Readonly<Record<string, Endpoint>> = {
  '/v1/embeddings': embeddings,
  '/v1/chat/completions': chat,
  '/v1/completions': completions,
  '/v1/classify': classify,
}

export const knownPaths = [...Object.keys(pages), '/v1/models/NAME', ...Object.keys(endpoints), '/v1/run/NAME']

/** @param path without the query; letter by letter as it came */
export function routeOf(path: string): Route | undefined {
  const page = Object.hasOwn(pages, path) ? pages[path as keyof typeof pages] : undefined
  if (page) return { name: path, method: 'GET', page }
  const endpoint = Object.hasOwn(endpoints, path) ? endpoints[path] : undefined
  if (endpoint) return { name: path, method: 'POST', endpoint }
  const model = nameAfter(path, '/v1/models/')
  if (model !== undefined) return { name: '/v1/models/NAME', method: 'GET', page: 'model', model }
  const fn = nameAfter(path, '/v1/run/')
  if (fn !== undefined) return { name: '/v1/run/NAME', method: 'POST', endpoint: run, model: fn }
  return undefined
}

function nameAfter(path: string, start: string): string | undefined {
  if (!path.startsWith(start) || path.length === start.length) return undefined
  try {
    return decodeURIComponent(path.slice(start.length))
  } catch {
    return undefined
  }
}
