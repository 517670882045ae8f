/** Operations with an algorithm of their own: one table from the name to the code that prepares them. */
import type { Computed } from '../stages/lower.ts'
import type { AlgorithmName, AlgorithmNode } from '../expression/node.ts'
import type { Prepared } from '../stages/stage.ts'
import { prepareBounds } from './bounds.ts'
import { prepareCompress } from './compress.ts'
import { prepareCumsum } from './cumsum.ts'
import { prepareFactor } from './factor.ts'
import { prepareProduct } from './product.ts'
import { histogramStage, prepareOrdered, quantileStage, topkStage, uniqueStage } from './ordered.ts'

const table: Readonly<Record<AlgorithmName, (node: AlgorithmNode, computed: Computed) => Prepared>> = {
  bounds: prepareBounds,
  compress: prepareCompress,
  cumsum: prepareCumsum,
  factor: prepareFactor,
  product: prepareProduct,
  histogram: prepareOrdered(histogramStage),
  quantile: prepareOrdered(quantileStage),
  topk: prepareOrdered(topkStage),
  unique: prepareOrdered(uniqueStage),
}

export function prepareAlgorithm(node: AlgorithmNode, computed: Computed): Prepared {
  return table[node.name](node, computed)
}
