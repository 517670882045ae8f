/** The same, one page after the other, and from the beginning after each crash. */
import { setTimeout } from 'node:timers/promises'
import { fetchPage, newLinks, type Page } from './page.ts'

export default async function main(_file: string, ...starts: readonly string[]): Promise<Page[]> {
  const hosts = new Set(starts.map((url) => new URL(url).host))
  const seen = new Set(starts)
  const pages: Page[] = []
  for (let urls = [...starts]; urls.length > 0;) {
    const found: Page[] = []
    for (const url of urls) found.push(await fetchPatiently(url))
    pages.push(...found)
    urls = newLinks(found, seen, hosts)
  }
  return pages
}

async function fetchPatiently(url: string): Promise<Page> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await fetchPage(url)
    } catch (error) {
      if (attempt === 3) throw error
      await setTimeout(100 * 2 ** attempt)
    }
  }
}
