/**
 * GPUs as data. Dense throughput without sparsity; links are one way. Memory is what the driver reports, which is what a process can get.
 *
 * Sources, read 2026-11-21: the vendors' data sheets (nvidia.com/en-us/data-center: A100, H100, H200, DGX B200, GB200 NVL72, L4, L40S; amd.com MI300X),
 * the systems of github.com/ai-dynamo/aiconfigurator at 095f58a for memory as reported and for links, and for what the best matrix product of a search
 * reaches the table of github.com/stas00/ml-engineering (compute/accelerator, "Maximum Achievable Matmul FLOPS"). Where that has no entry, 0.8 is assumed.
 */
import { InvalidOption } from '../../../base/errors.ts'

/** What of a GPU decides time and memory, with its source. */
export interface Gpu {
  readonly name: string
  readonly memoryBytes: number
  /** Bytes a second between the chip and its memory. */
  readonly memoryBandwidth: number
  /** Operations a second by type; a type without an entry is computed as bf16. */
  readonly bf16: number
  readonly fp8?: number
  readonly fp4?: number
  /** Share of the peak that the best matrix products reach, in 16 bits and in fewer. */
  readonly sustained: readonly [wide: number, narrow: number]
  /** What is left of that under a load that never pauses, at the power limit. */
  readonly longRun: number
  /** Bytes a second to the other GPUs of its node, and across nodes. */
  readonly link: number
  readonly network: number
  /** GPUs that reach each other over `link`, at most. */
  readonly node: number
  /** All-reduce kernels that read the memory of the others over NVLink need it. */
  readonly nvlink: boolean
  readonly watts: number
  readonly source: string
}

const mib = 2 ** 20
const [tera, giga] = [1e12, 1e9]

type Row = readonly [
  memoryMib: number,
  bandwidthGb: number,
  bf16: number,
  fp8: number,
  fp4: number,
  linkGb: number,
  networkGb: number,
]

function gpu(name: string, row: Row, sustained: Gpu['sustained'], node: number, watts: number, source: string): Gpu {
  const [memory, bandwidth, bf16, fp8, fp4, link, network] = row
  return {
    name,
    memoryBytes: memory * mib,
    memoryBandwidth: bandwidth * giga,
    bf16: bf16 * tera,
    ...(fp8 > 0 && { fp8: fp8 * tera }),
    ...(fp4 > 0 && { fp4: fp4 * tera }),
    sustained,
    // Fitted to published training runs (Megatron-Core on H100 against Megatron-LM on A100); newer chips are taken to be like Hopper.
    longRun: name.startsWith('a100') || watts < 400 ? 1 : 0.85,
    link: link * giga,
    network: network * giga,
    node,
    nvlink: link > 100,
    watts,
    source,
  }
}

const sheet = (what: string): string => `data sheet ${what}, read 2026-11-21`

const table: readonly Gpu[] = [
  gpu('a100-40', [40_960, 1555, 312, 0, 0, 300, 25], [0.869, 0.869], 8, 400, sheet('NVIDIA A100')),
  gpu('a100-80', [81_920, 2039, 312, 0, 0, 300, 25], [0.869, 0.869], 8, 400, sheet('NVIDIA A100')),
  gpu('h100-pcie', [81_559, 2000, 756.5, 1513, 0, 64, 50], [0.8, 0.8], 8, 350, sheet('NVIDIA H100')),
  gpu('h100-sxm', [81_559, 3350, 989, 1979, 0, 450, 50], [0.803, 0.709], 8, 700, sheet('NVIDIA H100')),
  gpu('h200', [143_771, 4800, 989, 1979, 0, 450, 50], [0.803, 0.734], 8, 700, sheet('NVIDIA H200')),
  gpu('b200', [183_359, 7700, 2250, 4500, 9000, 900, 50], [0.776, 0.763], 8, 1000, sheet('NVIDIA DGX B200')),
  gpu('b300', [275_040, 7750, 2250, 4500, 14_000, 900, 100], [0.786, 0.745], 8, 1100, sheet('NVIDIA DGX B300')),
  gpu('gb200', [189_471, 8000, 2500, 5000, 10_000, 900, 50], [0.729, 0.723], 72, 1200, sheet('NVIDIA GB200 NVL72')),
  gpu('gb300', [284_208, 8000, 2500, 5000, 15_000, 900, 100], [0.729, 0.723], 72, 1400, sheet('NVIDIA GB300 NVL72')),
  gpu('l4', [23_034, 300, 121, 242, 0, 32, 12.5], [0.8, 0.8], 8, 72, sheet('NVIDIA L4')),
  gpu('l40s', [46_068, 864, 362, 733, 0, 32, 50], [0.8, 0.8], 8, 350, sheet('NVIDIA L40S')),
  gpu('rtx-4090', [24_564, 1008, 165, 330, 0, 32, 12.5], [0.8, 0.8], 8, 450, sheet('NVIDIA Ada GPU architecture')),
  gpu('rtx-5090', [32_607, 1792, 210, 419, 1676, 64, 12.5], [0.8, 0.8], 8, 575, sheet('NVIDIA RTX Blackwell GPU architecture')),
  gpu(
    'rtx-pro-6000',
    [97_887, 1792, 467.8, 935.6, 1871, 64, 50],
    [0.8, 0.8],
    8,
    600,
    sheet('NVIDIA RTX PRO 6000 Blackwell Server'),
  ),
  gpu('mi300x', [196_592, 5300, 1307, 2615, 0, 448, 50], [0.514, 0.514], 8, 750, sheet('AMD Instinct MI300X')),
]

/** GPUs that are known by name. */
export const gpuNames: readonly string[] = table.map((one) => one.name)

const otherNames: Readonly<Record<string, string>> = {
  h100: 'h100-sxm',
  'h200-sxm': 'h200',
  'b200-sxm': 'b200',
  'b300-sxm': 'b300',
  a100: 'a100-80',
  'a100-sxm': 'a100-80',
  '4090': 'rtx-4090',
  '5090': 'rtx-5090',
}

/**
 * The GPU of a `name`; {@link gpuNames} has all.
 *
 * @throws {InvalidOption} when no GPU has that name
 */
export function gpuOf(name: string): Gpu {
  const key = name.toLowerCase().replaceAll('_', '-')
  const found = table.find((one) => one.name === (otherNames[key] ?? key))
  if (found !== undefined) return found
  throw new InvalidOption(`Unknown GPU "${name}"`, {
    hint: `Known: ${gpuNames.join(', ')}. Another one can be given to the API as an object with its memory, bandwidth and operations a second.`,
  })
}
