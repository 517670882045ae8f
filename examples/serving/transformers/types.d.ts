/** As much of transformers.js as is used here, so that the example compiles without it. */
declare module '@huggingface/transformers' {
  interface FeatureExtraction {
    (
      texts: string[],
      options: { pooling: 'mean'; normalize: boolean },
    ): Promise<{ readonly data: Float32Array; readonly dims: readonly number[] }>
    readonly tokenizer: { encode(text: string): number[] }
    dispose(): Promise<void>
  }
  export const env: { allowRemoteModels: boolean; localModelPath: string }
  export function pipeline(
    task: 'feature-extraction',
    model: string,
    options: { dtype: 'fp32'; session_options: { intraOpNumThreads: number; interOpNumThreads: number } },
  ): Promise<FeatureExtraction>
}
