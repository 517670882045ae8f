export { Stream, stream, type StreamOptions, type TeeOptions } from './stream.ts'
export { type FilePart, readPart, splitFile, type SplitFileOptions } from './split-file.ts'
export type { Keyed } from './keyed.ts'
export type {
  BatchOptions,
  CountWindowOptions,
  KeyedOptions,
  StageOptions,
  StreamMapOptions,
  TimeWindowOptions,
} from './options.ts'
