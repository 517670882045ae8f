import { downsample, picture } from './downsample.mjs'

/** @param {{ seed: number, factor: number }} task */
export default ({ seed, factor }) => downsample(picture(seed), 256, factor)
