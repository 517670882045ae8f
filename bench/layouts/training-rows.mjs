/**
 * Published training steps. `fitted` are those that the efficiencies of src/plan/layouts/cost/training-setting.ts were fitted to.
 *
 * A dense GPT is `[layers, hidden, heads]`, with a vocabulary of 51,200 unless a fourth number says otherwise.
 */

import { readFileSync } from 'node:fs'

/**
 * @typedef {object} Row
 * @property {string} family
 * @property {readonly number[]} shape
 * @property {string} gpu
 * @property {number} gpus
 * @property {number} sequence
 * @property {number} batch
 * @property {Record<string, unknown>} layout Beside `data`, which follows.
 * @property {number} seconds Of a step, measured.
 */

const a100 = 'a100-80'
/** Teraflops a second as Megatron-LM counts them: 96 or 72 × B s L h² (1 + s/6h + V/16Lh). */
const secondsOf = (
  /** @type {readonly number[]} */ [layers, hidden, , words = 51_200],
  sequence,
  batch,
  gpus,
  teraflops,
  passes,
) =>
  (passes * 24 * batch * sequence * layers * hidden ** 2 * (1 + sequence / 6 / hidden + words / 16 / layers / hidden)) /
  gpus /
  teraflops /
  1e12

const eager = { eagerAttention: true, noOverlap: true }

/** arXiv 2104.04473, table 1: shape, batch, GPUs, tensor, pipeline, microbatch, TFLOP/s. @type {readonly Row[]} */
const narayanan = [
  [[24, 2304, 24], 512, 32, 1, 1, 16, 137],
  [[30, 3072, 32], 512, 64, 2, 1, 16, 138],
  [[36, 4096, 32], 512, 128, 4, 1, 16, 142],
  [[40, 6144, 48], 1024, 256, 8, 1, 8, 135],
  [[48, 8192, 64], 1536, 512, 8, 2, 4, 138],
  [[60, 10_240, 80], 1792, 1024, 8, 4, 2, 140],
  [[80, 12_288, 96], 2304, 1536, 8, 8, 2, 148],
  [[96, 16_384, 128], 2160, 1920, 8, 16, 1, 155],
  [[105, 20_480, 128], 2520, 2520, 8, 35, 1, 163],
  [[128, 25_600, 160], 3072, 3072, 8, 64, 1, 163],
].map(([shape, batch, gpus, tensor, pipeline, microbatch, teraflops]) => ({
  family: 'Megatron-LM, A100',
  shape,
  gpu: a100,
  gpus,
  sequence: 2048,
  batch,
  layout: { ...eager, tensor, pipeline, microbatch, zero: 0, recompute: 'full' },
  seconds: secondsOf(shape, 2048, batch, gpus, teraflops, 4),
}))

/** The same paper, table 2: 174.6 thousand million parameters with ZeRO-3 and with tensor and pipeline parallelism. @type {readonly Row[]} */
const zero = [
  [384, 4, 144, 153],
  [768, 2, 88, 149],
  [1536, 1, 44, 141],
].flatMap(([gpus, microbatch, sharded, divided]) => {
  const row = { family: 'ZeRO-3 and PTD, A100', shape: [96, 12_288, 96], gpu: a100, gpus, sequence: 2048, batch: 1536 }
  return [
    {
      ...row,
      layout: { ...eager, microbatch, zero: 3, recompute: 'full' },
      seconds: secondsOf(row.shape, 2048, 1536, gpus, sharded, 4),
    },
    {
      ...row,
      layout: { ...eager, tensor: 8, pipeline: 12, zero: 0, recompute: 'full' },
      seconds: secondsOf(row.shape, 2048, 1536, gpus, divided, 4),
    },
  ]
})

/** arXiv 2205.05198, table 5: seconds with full recomputation, and with selective and sequence parallelism. @type {readonly Row[]} */
const korthikanti = [
  [[48, 6144, 64], 4, 8, 1, 1, 4, 1.42, 1.1],
  [[96, 12_288, 96], 64, 64, 8, 3, 1, 18.13, 13.75],
  [[105, 20_480, 128], 280, 280, 35, 3, 1, 49.05, 37.83],
  [[128, 25_600, 160], 512, 512, 64, 1, 1, 94.42, 71.49],
].flatMap(([shape, batch, gpus, pipeline, interleave, microbatch, full, selective]) =>
  [
    { recompute: 'full', sequenceParallel: false, seconds: full },
    { recompute: 'selective', sequenceParallel: true, seconds: selective },
  ].map(({ seconds, ...how }) => ({
    family: 'recomputation, A100',
    shape,
    gpu: a100,
    gpus,
    sequence: 2048,
    batch,
    layout: { ...eager, ...how, tensor: 8, pipeline, interleave, microbatch, zero: 0 },
    seconds,
  })),
)

/** README of Megatron-LM, weak scaling on H100; the interleaving is not given there. @type {readonly Row[]} */
const core = [
  [[24, 2304, 18, 131_072], 192, 48, { microbatch: 4 }, 408.8],
  [[80, 8192, 64, 131_072], 384, 768, { tensor: 8, pipeline: 2, interleave: 5, sequenceParallel: true }, 419.7],
  [[96, 12_288, 96, 131_072], 1152, 2304, { tensor: 8, pipeline: 6, interleave: 4, sequenceParallel: true }, 432.8],
].map(([shape, batch, gpus, layout, teraflops]) => ({
  family: 'Megatron-Core, H100',
  shape,
  gpu: 'h100-sxm',
  gpus,
  sequence: 4096,
  batch,
  layout,
  seconds: secondsOf(shape, 4096, batch, gpus, teraflops, 3),
}))

/** @type {readonly Row[]} */
export const fitted = [...narayanan, ...zero, ...korthikanti, ...core]

const mpt = {
  '1b': [24, 2048, 16],
  '3b': [32, 2560, 20],
  '7b': [32, 4096, 32],
  '13b': [40, 5120, 40],
  '30b': [48, 7168, 56],
  '70b': [80, 8192, 64],
}
const names = { h100_80gb: 'h100-sxm', a100_80gb: a100, a100_40gb: 'a100-40' }

/**
 * Steps of MPT with FSDP: the tables of scripts/train/benchmarking/README.md of github.com/mosaicml/llm-foundry, models from 1b up, not those in 8 bits. Nothing was fitted
 * to them, except to one (70b on 128 A100-40).
 * @param {string} file
 * @returns {Row[]}
 */
export function heldOut(file) {
  return readFileSync(file, 'utf8')
    .split('\n')
    .flatMap((line) => {
      const [model, sequence, gpus, gpu, , , , micro, , batch, , , tokens, , precision, , , again] = line
        .split('|')
        .slice(1)
        .map((cell) => cell.trim())
      const [shape, name] = [mpt[model], names[gpu]]
      if (shape === undefined || name === undefined || precision === 'amp_fp8') return []
      const each = Number(batch) / Number(gpus)
      return [
        {
          family: `MPT, FSDP, ${name}`,
          shape: [...shape, 50_368],
          gpu: name,
          gpus: Number(gpus),
          sequence: Number(sequence),
          batch: Number(batch),
          layout: {
            microbatch: each / Math.max(1, Math.round(each / Number(micro))),
            recompute: again === 'True' ? 'full' : 'none',
            zero: 3,
          },
          seconds: (Number(batch) * Number(sequence)) / Number(gpus) / Number(tokens),
        },
      ]
    })
}
