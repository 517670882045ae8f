export {
  type Checkpoint,
  checkCheckpoint,
  type CheckpointOptions,
  checkpointRule,
  type OpenCheckpoint,
  openCheckpoint,
} from './checkpoint.ts'
export { type Codec, type Found, Journal, type JournalOptions, openJournal } from './journal.ts'
export { itemKey, type KeyFunction, Keys } from './keys.ts'
export { Steps } from './steps.ts'
