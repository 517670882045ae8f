/** Writes metrics in the text format of Prometheus, version 0.0.4 (https://prometheus.io/docs/instrumenting/exposition_formats/). */

export type Labels = Readonly<Record<string, string | number>>

const escaped = (text: string | number): string =>
  String(text).replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"')

const shown = (value: number): string =>
  value === Number.POSITIVE_INFINITY ? '+Inf' : value === Number.NEGATIVE_INFINITY ? '-Inf' : String(value)

export class PrometheusText {
  #text = ''

  /** @param samples each with its labels */
  counter(name: string, help: string, samples: readonly (readonly [Labels, number])[]): void {
    this.#family(name, 'counter', help, samples)
  }

  gauge(name: string, help: string, samples: readonly (readonly [Labels, number])[]): void {
    this.#family(name, 'gauge', help, samples)
  }

  /** @param samples counts that are not cumulative, one more than there are bounds */
  histogram(
    name: string,
    help: string,
    samples: readonly {
      readonly labels: Labels
      readonly bounds: readonly number[]
      readonly counts: readonly number[]
      readonly sum: number
    }[],
  ): void {
    if (samples.length === 0) return
    this.#head(name, 'histogram', help)
    for (const { labels, bounds, counts, sum } of samples) {
      let total = 0
      for (const [i, count] of counts.entries()) {
        total += count
        this.#sample(`${name}_bucket`, { ...labels, le: shown(bounds[i] ?? Number.POSITIVE_INFINITY) }, total)
      }
      this.#sample(`${name}_sum`, labels, sum)
      this.#sample(`${name}_count`, labels, total)
    }
  }

  toString(): string {
    return this.#text
  }

  #family(name: string, type: string, help: string, samples: readonly (readonly [Labels, number])[]): void {
    if (samples.length === 0) return
    this.#head(name, type, help)
    for (const [labels, value] of samples) this.#sample(name, labels, value)
  }

  #head(name: string, type: string, help: string): void {
    this.#text += `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`
  }

  #sample(name: string, labels: Labels, value: number): void {
    const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text)}"`)
    this.#text += `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${shown(value)}\n`
  }
}
