/**
 * Locks, channels and meeting points, within one thread and across threads.
 *
 * @module heddle/sync
 */

// Locks
export { Mutex } from './mutex.ts'
export { type PermitOptions, Semaphore } from './semaphore.ts'
export { ReadWriteLock } from './read-write-lock.ts'
export type { Lease } from './permits.ts'
// Meeting points
export { Barrier } from './barrier.ts'
export { Latch } from './latch.ts'
// Conversations
export { Channel, type ChannelOptions } from './channel.ts'
export { select, type SelectCase, type Selected } from './select.ts'
export type { NameOptions, WaitOptions } from './wait-queue.ts'
// Between threads
export { SharedMutex } from './shared/shared-mutex.ts'
export { SharedSemaphore } from './shared/shared-semaphore.ts'
export { SharedBarrier } from './shared/shared-barrier.ts'
export type { SharedLease } from './shared/memory.ts'
