/** hyparquet, and how it reads here. */
import { createRequire } from 'node:module'
import type { Compressors, ParquetParsers } from 'hyparquet'
import { HeddleError } from '../../base/errors.ts'

export type Hyparquet = typeof import('hyparquet')

/** Dates and times stay whole numbers in the unit of the file; text is refused before it is read. */
export const parsers: Partial<ParquetParsers> = {
  timestampFromMilliseconds: (ms) => ms,
  timestampFromMicroseconds: (us) => us,
  timestampFromNanoseconds: (ns) => ns,
  dateFromDays: (days) => days,
}

export async function loadLibrary(): Promise<Hyparquet> {
  try {
    return await import('hyparquet')
  } catch (cause) {
    throw new HeddleError('Reading Parquet files needs hyparquet, which is not installed', {
      cause,
      hint: 'npm install hyparquet',
    })
  }
}

/** Decompressors beside Snappy, where they are installed. */
export async function loadCompressors(): Promise<Compressors | undefined> {
  try {
    createRequire(import.meta.url).resolve('hyparquet-compressors')
  } catch {
    return undefined
  }
  return (await import('hyparquet-compressors')).compressors
}
