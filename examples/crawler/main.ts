/**
 * Crawls sites level by level, two pages of a host at once. Each page is recorded when it has come: a crawl that was killed goes on where
 * it was, and asks no page again that it has.
 *
 *     heddle run main.ts crawl.jsonl http://one.example http://two.example
 */
import { limiterPer, map, openJournal } from 'heddle'
import { fetchPage, newLinks, type Page } from './page.ts'

const perHost = limiterPer((url: string) => new URL(url).host, { concurrency: 2 })

export default async function main(file: string, ...starts: readonly string[]): Promise<Page[]> {
  await using journal = await openJournal(file, { program: 'crawler', options: { starts } })
  const hosts = new Set(starts.map((url) => new URL(url).host))
  const seen = new Set(starts)
  const pages: Page[] = []
  for (let [level, urls] = [0, [...starts]]; urls.length > 0; level++) {
    const found = await map(urls, (url, { signal }) => fetchPage(url, signal), {
      checkpoint: journal.at(`level-${level}`),
      concurrency: 2 * hosts.size,
      limit: perHost,
      retry: 3,
      timeout: '10s',
    })
    pages.push(...found)
    urls = newLinks(found, seen, hosts)
  }
  return pages
}
