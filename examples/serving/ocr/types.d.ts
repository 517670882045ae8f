/** As much of ONNX Runtime and sharp as is used here, so that the examples compile without them. */
declare module 'onnxruntime-node' {
  export class Tensor {
    constructor(type: 'float32', data: Float32Array, dims: readonly number[])
    readonly data: Float32Array
    readonly dims: readonly number[]
  }
  export class InferenceSession {
    static create(path: string, options: { intraOpNumThreads: number; interOpNumThreads: number }): Promise<InferenceSession>
    readonly inputNames: readonly string[]
    readonly outputNames: readonly string[]
    run(feeds: Readonly<Record<string, Tensor>>): Promise<Readonly<Record<string, Tensor>>>
    release(): Promise<void>
  }
}

declare module 'sharp' {
  export interface Sharp {
    flatten(options: { background: string }): Sharp
    toColourspace(name: 'srgb'): Sharp
    extract(box: { left: number; top: number; width: number; height: number }): Sharp
    resize(width: number, height: number, options: { fit: 'fill' }): Sharp
    raw(): Sharp
    toBuffer(): Promise<Buffer>
    toBuffer(options: {
      resolveWithObject: true
    }): Promise<{ data: Buffer; info: { width: number; height: number; channels: number } }>
  }
}
