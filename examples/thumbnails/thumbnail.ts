/** One picture to one thumbnail. The native threads of sharp compute it. */
import { basename, join } from 'node:path'
import sharp from 'sharp'

// With many pictures at once, each gets one thread: the pictures are the parallelism.
sharp.concurrency(1)

/** @returns the bytes of the thumbnail, which is written into `folder` */
export async function thumbnail(file: string, folder: string): Promise<number> {
  const target = join(folder, basename(file).replace(/\.\w+$/, '.webp'))
  return (await sharp(file).rotate().resize(160, 160, { fit: 'cover' }).webp({ quality: 80 }).toFile(target)).size
}
