/**
 * The worker module of arrays: runs a slice of a job, or reads a part of a file, on the thread that called it.
 *
 * @module heddle/array/kernel-worker
 */

export { runSlice } from './claim.ts'
export { readGroups } from '../readers/parquet-group.ts'
