export interface Report {
  readonly sums: readonly number[]
  readonly failures: readonly string[]
}

export function report(results: readonly PromiseSettledResult<Float64Array>[]): Report {
  return {
    sums: results.flatMap((result) => (result.status === 'fulfilled' ? [result.value.reduce((sum, x) => sum + x, 0)] : [])),
    failures: results.flatMap((result) => (result.status === 'rejected' ? [String(result.reason)] : [])),
  }
}
