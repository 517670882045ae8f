/** What an action of `heddle prices` gets. */
import type { PriceList } from '../../../ai/index.ts'

export interface AskedPrices {
  /** What follows the action. */
  readonly names: readonly string[]
  /** The table that programs in this folder would use. @throws {FileRefused} */
  readonly table: () => PriceList
  readonly output: string
  readonly json: boolean
  /** `YYYY-MM-DD` */
  readonly today: string
}
