export { type Keyed, Stream, stream, type StreamOptions } from './stream.ts'
export { type FilePart, readPart, splitFile, type SplitFileOptions } from './split-file.ts'
export type {
  BatchOptions,
  CountWindowOptions,
  KeyedOptions,
  StageOptions,
  StreamMapOptions,
  TeeOptions,
  TimeWindowOptions,
} from './options.ts'
