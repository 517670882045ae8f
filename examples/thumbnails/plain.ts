/** The same, one picture after the other. */
import { pictures, prepare, type Thumbnails } from './pictures.ts'
import { thumbnail } from './thumbnail.ts'

export default async function main(from: string, to: string): Promise<Thumbnails> {
  await prepare(to)
  let [made, bytes] = [0, 0]
  const failed: string[] = []
  for (const file of await pictures(from)) {
    try {
      bytes += await thumbnail(file, to)
      made++
    } catch {
      failed.push(file)
    }
  }
  return { made, bytes, failed }
}
