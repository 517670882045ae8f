/** This machine's clock against the store's: whoever compares times of two machines does it by the store's. */
import { performance } from '../../base/globals.js'
import { FleetRefused } from '../protocol/errors.ts'
import { lockMs } from '../protocol/constants.ts'
import type { Store } from './store.ts'

export interface ClockReading {
  /** Milliseconds from this machine's clock to the store's. */
  readonly offsetMs: number
  /** How wrong that may be: half of the time that asking took. */
  readonly errorMs: number
}

/** A worker whose clock is further off could take, or lose, locks that are alive. */
const mostOffMs = lockMs / 4

export async function readClock(store: Pick<Store, 'now'>): Promise<ClockReading> {
  const [before, asked] = [Date.now(), performance.now()]
  const there = await store.now()
  const tookMs = performance.now() - asked
  return { offsetMs: there - (before + tookMs / 2), errorMs: tookMs / 2 }
}

/** @throws {FleetRefused} where locks of the store run out by the clocks of the workers, and this one is wrong */
export function checkClock(store: Pick<Store, 'locksByOwnClock'>, { offsetMs, errorMs }: ClockReading): void {
  if (store.locksByOwnClock || Math.abs(offsetMs) - errorMs <= mostOffMs) return
  const [off, side] = [(Math.abs(offsetMs) / 1_000).toFixed(1), offsetMs > 0 ? 'behind' : 'ahead of']
  throw new FleetRefused(
    `The clock of this machine is ${off} s ${side} that of Postgres: it would take work that other machines still have, or lose its own`,
    { hint: 'Let both follow a time server (NTP); 3.7 seconds are allowed.' },
  )
}
