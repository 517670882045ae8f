export { Stream, stream, type StreamOptions, type TeeOptions } from './stream.ts'
export type { Keyed } from './keyed.ts'
export type {
  BatchOptions,
  CountWindowOptions,
  KeyedOptions,
  StageOptions,
  StreamMapOptions,
  TimeWindowOptions,
} from './options.ts'
