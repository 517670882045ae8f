/** Writes a CSV file of orders: `heddle run generate.ts orders.csv 1000` makes a gigabyte. */
import { createWriteStream } from 'node:fs'
import { once } from 'node:events'

const regions = ['Bavaria', 'Île-de-France', 'Lombardy', 'Catalonia', 'Skåne', 'Mazovia', 'Attica', 'Tyrol']
const notes = ['', 'gift', '"leave at the door"', '"said ""no plastic"""', '"two lines,\nand a comma"', '"Grüße, bis bald"']

export default async function main(file: string, megabytes: string): Promise<string> {
  const target = createWriteStream(file)
  let [seed, id, bytes] = [1, 0, 0]
  // A generator of numbers that is the same everywhere (Park and Miller, 1988).
  const random = (below: number): number => (seed = (seed * 48_271) % 2_147_483_647) % below
  target.write('id,region,note,amount\n')
  while (bytes < Number(megabytes) * 1e6) {
    let text = ''
    for (let i = 0; i < 10_000; i++) {
      text += `${++id},${regions[random(regions.length)]},${notes[random(notes.length)]},${(random(50_000) / 100).toFixed(2)}\r\n`
    }
    bytes += Buffer.byteLength(text)
    if (!target.write(text)) await once(target, 'drain')
  }
  target.end()
  await once(target, 'finish')
  return `${id} orders in ${file}`
}
