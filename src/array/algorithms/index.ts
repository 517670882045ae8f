/** Operations with an algorithm of their own: one table from the name to the code that prepares them. */
import type { Computed } from '../stages/lower.ts'
import type { AlgorithmName, AlgorithmNode } from '../expression/node.ts'
import type { Prepared } from '../stages/stage.ts'
import { prepareAssign } from './assign.ts'
import { prepareBincount } from './bincount.ts'
import { prepareBounds } from './bounds.ts'
import { prepareCompress } from './compress.ts'
import { prepareCumsum } from './cumsum.ts'
import { prepareFactor } from './factor.ts'
import { prepareGather, prepareScatter, prepareSearch } from './gather.ts'
import { prepareProduct } from './product.ts'
import { argsortRows, partitionRows, prepareRows, quantileRows, sortRows } from './rows.ts'
import { prepareWindows } from './windows.ts'
import { histogramStage, prepareOrdered, quantileStage, topkStage, uniqueStage } from './ordered.ts'

const table: Readonly<Record<AlgorithmName, (node: AlgorithmNode, computed: Computed) => Prepared>> = {
  argsort: prepareRows(argsortRows),
  assign: prepareAssign,
  bincount: prepareBincount,
  bounds: prepareBounds,
  compress: prepareCompress,
  cumsum: prepareCumsum,
  factor: prepareFactor,
  gather: prepareGather,
  partition: prepareRows(partitionRows),
  product: prepareProduct,
  rowQuantile: prepareRows(quantileRows),
  scatter: prepareScatter,
  search: prepareSearch,
  sort: prepareRows(sortRows),
  windows: prepareWindows,
  histogram: prepareOrdered(histogramStage),
  quantile: prepareOrdered(quantileStage),
  topk: prepareOrdered(topkStage),
  unique: prepareOrdered(uniqueStage),
}

export function prepareAlgorithm(node: AlgorithmNode, computed: Computed): Prepared {
  return table[node.name](node, computed)
}
