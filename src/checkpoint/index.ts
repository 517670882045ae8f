export {
  type Checkpoint,
  checkCheckpoint,
  type CheckpointOptions,
  checkpointRule,
  type OpenCheckpoint,
  openCheckpoint,
} from './checkpoint.ts'
export type { Journal } from './journal.ts'
export { openJournal } from './open.ts'
export type { Codec, JournalOptions } from './options.ts'
export { itemKey, type KeyFunction, Keys } from './keys.ts'
export { type Found, Steps } from './steps.ts'
