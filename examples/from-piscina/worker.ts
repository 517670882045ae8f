/** The worker file becomes a module of typed functions, which take any number of arguments. */
import { transfer, workers } from 'heddle'
import { downsample, picture } from './downsample.mjs'

export const { shrink } = workers(import.meta.url, {
  shrink(seed: number, factor: number): Float64Array {
    return transfer(downsample(picture(seed), 256, factor))
  },
})
