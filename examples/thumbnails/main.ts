/** Thumbnails of every picture in a folder. A picture that cannot be read is named, and costs the others nothing. */
import { availableParallelism } from 'node:os'
import { map } from 'heddle'
import { pictures, prepare, type Thumbnails } from './pictures.ts'
import { thumbnail } from './thumbnail.ts'

export default async function main(from: string, to: string): Promise<Thumbnails> {
  const files = await pictures(from)
  await prepare(to)
  const made = await map(files, (file) => thumbnail(file, to), { concurrency: availableParallelism(), onFailure: 'settle' })
  const bytes = made.ok.reduce((sum, size) => sum + size, 0)
  return { made: made.ok.length, bytes, failed: made.failed.map(({ item }) => item) }
}
