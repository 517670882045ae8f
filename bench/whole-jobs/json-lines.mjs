/** JSON lines of orders, parsed and summed by customer and country. */
import { appendFileSync, readFileSync } from 'node:fs'
import { mapReduce, readPart, splitFile, workers } from 'heddle'
import { folderOf, randomFrom } from './data.mjs'
import { consent } from './program.mjs'

/** @typedef {Map<string, { orders: number, amount: number }>} Groups */

/** @param {string} text @param {Groups} [groups] */
function groupLines(text, groups = new Map()) {
  for (const line of text.split('\n')) {
    if (line === '') continue
    const { customer, country, items } = JSON.parse(line)
    let amount = 0
    for (const { price, count } of items) amount += price * count
    const key = `${country}/${customer}`
    const group = groups.get(key)
    if (!group) groups.set(key, { orders: 1, amount })
    else {
      group.orders++
      group.amount += amount
    }
  }
  return groups
}

/** @param {Groups} left @param {Groups} right */
function add(left, right) {
  for (const [key, { orders, amount }] of right) {
    const group = left.get(key)
    if (!group) left.set(key, { orders, amount })
    else {
      group.orders += orders
      group.amount += amount
    }
  }
  return left
}

const contained = workers(
  import.meta.url,
  {
    /** @param {import('heddle').FilePart} part */
    groupPart: async (part) => groupLines((await readPart(part)).toString()),
    add,
  },
  consent(import.meta.url),
)
export const byHand = {
  /** The lines that begin in a half of the file. @param {string} path @param {0 | 1} half */
  groupHalf(path, half) {
    const bytes = readFileSync(path)
    const middle = bytes.indexOf('\n', bytes.length >> 1) + 1
    return groupLines((half === 0 ? bytes.subarray(0, middle) : bytes.subarray(middle)).toString())
  },
}

/** @type {import('./program.mjs').PeerCall} */
const grouped = {
  ask: (path) => ({ job: 'orders', path }),
  expect: (/** @type {Groups} */ groups) => [groups.size, [...groups.values()].reduce((sum, { orders }) => sum + orders, 0)],
}

/** @type {Record<string, import('./program.mjs').Program<number, string>>} */
export const programs = {
  'JSON lines, grouped': {
    sizes: { small: 10, full: 100 },
    prepare: (megabytes) =>
      `${folderOf(`orders-${megabytes}`, (own) => writeOrders(`${own}orders.jsonl`, megabytes))}orders.jsonl`,
    loop: (path) => groupLines(readFileSync(path, 'utf8')),
    heddle: (path) => mapReduce(splitFile(path), contained.groupPart, contained.add),
    async byHand(path, hand) {
      return add(...(await Promise.all([hand.call(0, 'groupHalf', [path, 0]), hand.call(1, 'groupHalf', [path, 1])])))
    },
    check(got, expected) {
      if (got.size !== expected.size) throw new Error(`${got.size} groups instead of ${expected.size}`)
      for (const [key, { orders }] of expected) if (got.get(key).orders !== orders) throw new Error(`wrong count of ${key}`)
    },
    peers: Object.fromEntries(['Go', 'multiprocessing', 'DuckDB', 'Polars'].map((name) => [name, grouped])),
    wanted: { overLoop: 1.6 },
  },
}

/** @param {string} path @param {number} megabytes */
function writeOrders(path, megabytes) {
  const random = randomFrom(3)
  const countries = ['AT', 'CH', 'DE', 'FR', 'IT', 'NL', 'PL', 'US']
  const item = () => ({ sku: `S-${random() % 100_000}`, price: (random() % 10_000) / 100, count: 1 + (random() % 5) })
  for (let written = 0, id = 0; written < megabytes * 1e6;) {
    let text = ''
    while (text.length < 1e6) {
      const order = {
        id: id++,
        customer: random() % 1_000,
        country: countries[random() % countries.length],
        items: [item(), item(), item()],
      }
      text += `${JSON.stringify(order)}\n`
    }
    appendFileSync(path, text)
    written += text.length
  }
}
