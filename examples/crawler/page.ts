/** What the crawlers share: a page, its links, and what a crawl gives. */
export interface Page {
  readonly url: string
  readonly title: string
  /** Links to pages of the same sites, each once. */
  readonly links: readonly string[]
}

/** Fetches one page. @throws an error with `status` and `headers`, from which `retry` and `limit` read when to come back */
export async function fetchPage(url: string, signal?: AbortSignal): Promise<Page> {
  const response = await fetch(url, { ...(signal && { signal }) })
  if (!response.ok) {
    await response.body?.cancel()
    throw Object.assign(new Error(`${url}: ${response.status}`), { status: response.status, headers: response.headers })
  }
  const html = await response.text()
  const links = [...html.matchAll(/href="([^"#]+)"/g)].map(([, href = '']) => new URL(href, url).href)
  return { url, title: /<title>(.*?)<\/title>/.exec(html)?.[1] ?? '', links: [...new Set(links)] }
}

/** URLs that are new, in order of their discovery. */
export function newLinks(pages: readonly Page[], seen: Set<string>, hosts: ReadonlySet<string>): string[] {
  const found = pages.flatMap(({ links }) => links).filter((url) => hosts.has(new URL(url).host) && !seen.has(url))
  const urls = [...new Set(found)]
  for (const url of urls) seen.add(url)
  return urls
}
