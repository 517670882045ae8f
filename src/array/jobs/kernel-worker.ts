/**
 * The worker module of arrays: one function, which runs a slice of a job on the thread that called it.
 *
 * @module heddle/array/kernel-worker
 */

export { runSlice } from './claim.ts'
