/** hyparquet, and how it reads here. */
import { createRequire } from 'node:module'
import type { Compressors, ParquetParsers } from 'hyparquet'
import { optionalPackage } from '../../base/optional-package.ts'

export type Hyparquet = typeof import('hyparquet')

/** Dates and times stay whole numbers in the unit of the file; text is refused before it is read. */
export const parsers: Partial<ParquetParsers> = {
  timestampFromMilliseconds: (ms) => ms,
  timestampFromMicroseconds: (us) => us,
  timestampFromNanoseconds: (ns) => ns,
  dateFromDays: (days) => days,
}

export function loadLibrary(): Promise<Hyparquet> {
  return optionalPackage('Reading Parquet files', 'hyparquet', () => import('hyparquet'))
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
