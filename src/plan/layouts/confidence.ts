/** How far off predictions of that kind were on rows that nothing was fitted to, or what calibration left. */
import type { Gpu } from './hardware/gpus.ts'
import type { Architecture, Precision } from './model/architecture.ts'

export interface Confidence {
  /** Mean of |predicted / measured - 1| that is to be expected. */
  readonly error: number
  readonly basis: string
}

/** Measured by `npm run bench -- layouts` on published rows, rounded up. */
export function servingConfidence(model: Architecture, gpu: Gpu, weights: Precision): Confidence {
  const hopper = ['h100-sxm', 'h200'].includes(gpu.name)
  const known = hopper || ['b200', 'b300'].includes(gpu.name)
  if (!known) return { error: 0.3, basis: `no published rows of ${gpu.name} were compared: calibrate before you buy` }
  if (model.experts !== undefined)
    return { error: 0.25, basis: 'mixtures of experts on Hopper and Blackwell, published rows not used for fitting' }
  if (weights === 'fp4' || weights === 'int4')
    return { error: 0.2, basis: 'dense models in 4 bits, published rows not used for fitting' }
  return {
    error: hopper ? 0.08 : 0.1,
    basis: `dense models on ${hopper ? 'Hopper' : 'Blackwell'}, published rows not used for fitting`,
  }
}

export function trainingConfidence(model: Architecture, gpu: Gpu): Confidence {
  if (model.experts !== undefined) return { error: 0.3, basis: 'no published steps of mixtures of experts were compared' }
  if (gpu.name.startsWith('a100'))
    return { error: 0.08, basis: 'published steps on A100, 0.1 to 1,000 thousand million parameters' }
  if (gpu.name.startsWith('h')) return { error: 0.13, basis: 'published steps on H100' }
  return { error: 0.25, basis: `no published steps on ${gpu.name} were compared` }
}
