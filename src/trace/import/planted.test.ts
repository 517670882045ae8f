import { describe, expect, test } from 'vitest'
import { type Random, randomFrom } from '../../../test/support/random.ts'
import { explainSpans } from './report.ts'
import { type Drawn, drawn } from './spans.fixture.ts'

/**
 * Random requests in which something runs one after the other without need, in a program that has more to do than that:
 *
 *     GET /page ─┬─ before* ─┬─ planted … planted ─┬─ after*
 *                            └─ beside*, at the same time
 */
type Kind = 'loop of queries' | 'loop of requests' | 'loop of two calls' | 'different reads' | 'model calls'

const kinds: readonly Kind[] = ['loop of queries', 'loop of requests', 'loop of two calls', 'different reads', 'model calls']
const tables = ['users', 'orders', 'prices', 'stock', 'carts', 'reviews', 'coupons']
const query = (table: string, id: number): Drawn['attributes'] => ({
  'db.system': 'postgresql',
  'db.statement': `SELECT * FROM ${table} WHERE id = ${id}`,
})
const get = (url: string): Drawn['attributes'] => ({ 'http.request.method': 'GET', 'url.full': url })
const chat = (model: string): Drawn['attributes'] => ({ 'gen_ai.operation.name': 'chat', 'gen_ai.request.model': model })

class Page {
  readonly spans: Drawn[] = []
  readonly #random: Random
  readonly #trace: string
  at: number

  constructor(random: Random, trace: string) {
    this.#random = random
    this.#trace = trace
    this.at = 1 + 3 * random.next()
  }

  between(from: number, to: number): number {
    return from + (to - from) * this.#random.next()
  }

  whole(from: number, to: number): number {
    return Math.floor(this.between(from, to + 1))
  }

  pick<T>(of: readonly T[]): T {
    return this.#random.pick(of)
  }

  /** @returns when it ends */
  call(start: number, ms: number, attributes: Drawn['attributes'], name = 'call', parentId = 'root'): number {
    const id = `s${this.spans.length}`
    this.spans.push({ id, parentId, traceId: this.#trace, start, ms, kind: 'client', name, ...(attributes && { attributes }) })
    return start + ms
  }

  /** Calls one after the other, with a little work of the page between them. */
  inTurn(count: number, call: (i: number, start: number) => number): void {
    for (let i = 0; i < count; i++) this.at = call(i, this.at + this.between(0, 0.5))
  }

  done(): Drawn[] {
    const end = Math.max(this.at, ...this.spans.map(({ start, ms }) => start + ms)) + this.between(0, 2)
    return [
      { id: 'root', name: 'GET /page', service: 'web', kind: 'server', traceId: this.#trace, start: 0, ms: end },
      ...this.spans,
    ]
  }
}

/** A write decides what comes after it, so it is always a call by itself. */
const write = (page: Page): void => {
  page.at = page.call(page.at + page.between(0, 1), page.between(1, 4), {
    'db.system': 'postgresql',
    'db.statement': 'UPDATE visits SET n = n + 1',
  })
  page.at += page.between(3, 5)
}

function plant(page: Page, kind: Kind): void {
  const table = page.pick(tables)
  switch (kind) {
    case 'loop of queries':
      return page.inTurn(page.whole(4, 30), (i, start) => page.call(start, page.between(2, 6), query(table, i)))
    case 'loop of requests':
      return page.inTurn(page.whole(4, 12), (i, start) => page.call(start, page.between(10, 40), get(`http://items/item/${i}`)))
    case 'loop of two calls':
      return page.inTurn(page.whole(4, 10), (i, start) =>
        page.call(page.call(start, page.between(4, 8), query(table, i)), page.between(4, 8), get(`http://items/item/${i}`)),
      )
    case 'different reads':
      return page.inTurn(page.whole(2, 4), (i, start) => page.call(start, page.between(10, 30), get(`http://${tables[i]}/all`)))
    case 'model calls':
      return page.inTurn(page.whole(3, 8), (_, start) => page.call(start, page.between(300, 900), chat('small'), 'chat small'))
  }
}

const found = (requests: readonly Drawn[][]): number =>
  explainSpans(drawn(requests.flat())).findings.filter(({ rule, tier }) => rule !== 'gap' && tier !== 'info').length

describe('in random requests', () => {
  test('at least 95 of 100 planted sequences are found', () => {
    for (const [seed, kind] of kinds.entries()) {
      const random = randomFrom(seed)
      let hits = 0
      for (let i = 0; i < 200; i++) {
        const page = new Page(random, `t${i}`)
        for (let n = page.whole(0, 2); n > 0; n--) write(page)
        const beside = page.at
        plant(page, kind)
        // Something that is shorter than the sequence goes beside it, and hides nothing.
        if (page.whole(0, 1) === 1) page.call(beside, 0.6 * (page.at - beside), get('http://beside/all'))
        page.at += 4
        for (let n = page.whole(0, 2); n > 0; n--) write(page)
        if (found([page.done()]) > 0) hits++
      }
      expect([kind, hits >= 190]).toEqual([kind, true])
    }
  })

  test('nothing is found where all that could run at once does', () => {
    const random = randomFrom(99)
    for (let i = 0; i < 200; i++) {
      const page = new Page(random, `t${i}`)
      write(page)
      // Two waves, of which the second needs what the first wrote.
      for (let wave = 0; wave < 2; wave++) {
        const start = page.at + page.between(0, 1)
        const ends = Array.from({ length: page.whole(2, 12) }, (_, n) =>
          page.call(
            start + 0.05 * n,
            page.between(5, 30),
            random.pick([query(random.pick(tables), n), get(`http://items/item/${n}`)]),
          ),
        )
        page.at = Math.max(...ends)
        write(page)
      }
      expect(explainSpans(drawn(page.done())).findings.filter(({ rule, tier }) => rule !== 'gap' && tier !== 'info')).toEqual([])
    }
  })
})
