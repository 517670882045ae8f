/**
 * OpenTelemetry's binary form: an `ExportTraceServiceRequest` or a `TracesData`, which have the same shape. A field that is not known is skipped, as the encoding
 * is made for. Texts that repeat are decoded once.
 *
 * @see https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/trace/v1/trace.proto
 * @see https://protobuf.dev/programming-guides/encoding/
 */
import { FileRefused } from '../../../base/errors.ts'
import { Attributes, attributeSlot } from '../spans/attributes.ts'
import type { Operation } from '../spans/vocabulary.ts'
import { operationOf } from '../spans/operation.ts'
import type { Id } from '../spans/ids.ts'
import { type SpanSink } from '../spans/spans.ts'
import { spanKinds } from '../spans/vocabulary.ts'

export const otlpProtobufName = 'OTLP protobuf'

/** Numbers of fields. */
const spanField = { traceId: 1, spanId: 2, parentId: 4, name: 5, kind: 6, start: 7, end: 8, attributes: 9, status: 15 } as const
const anyValue = { string: 1, bool: 2, int: 3, double: 4 } as const

/** Texts up to this length are looked up by their bytes before they are decoded. */
const rememberedBytes = 200
const rememberedTexts = 1 << 16

/** Levels whose messages are entered: the request, the spans of a resource, the spans of a scope. Their fields 1 and 2 are what counts. */
const [root, resourceSpans, scopeSpans] = [0, 1, 2]
const lengthDelimited = 2

interface Level {
  /** In the file. */
  readonly end: number
  /** First span of it. */
  readonly from: number
}

/** Takes the bytes of a file in pieces; what it holds at a time is one span. */
export class OtlpProtobufReader {
  readonly #sink: SpanSink
  readonly #file: string
  readonly #attributes = new Attributes()
  #bytes: Buffer = Buffer.alloc(0)
  #at = 0
  /** Of the file, before `#bytes`. */
  #base = 0
  readonly #levels: Level[] = []
  #epoch: { readonly high: number; readonly low: number } | undefined
  #service = 0
  #host = 0
  /** Bytes of the file that are skipped, since nothing of theirs is wanted. */
  #skipping = 0
  readonly #texts = new TextCache()
  readonly #operations = new Map<string, Operation>()

  constructor(sink: SpanSink, file: string) {
    this.#sink = sink
    this.#file = file
  }

  write(chunk: Buffer): void {
    const rest = this.#bytes.subarray(this.#at)
    this.#base += this.#at
    // A copy of the chunk where something of it may be kept: the caller uses it again.
    this.#bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    this.#at = 0
    while (this.#step());
    if (this.#bytes === chunk) this.#bytes = Buffer.from(chunk.subarray(this.#at))
    else return
    this.#base += this.#at
    this.#at = 0
  }

  end(): void {
    const at = this.#base + this.#at
    const left = this.#bytes.length - this.#at
    const open = this.#levels.some(({ end }) => end > at)
    if (this.#sink.count === 0 && left + this.#levels.length > 0)
      throw this.#refused('neither JSON nor spans of OTLP in protobuf')
    this.#closeLevels(Number.POSITIVE_INFINITY)
    if (open || left > 0 || this.#skipping > 0)
      this.#sink.warn(
        `${this.#file} was cut short: it ends inside the message that begins at byte ${at.toLocaleString('en')}; what was whole counts`,
      )
  }

  /** Reads one field, or enters it. @returns false when its bytes have not all come */
  #step(): boolean {
    const { length } = this.#bytes
    if (this.#skipping > 0) {
      const skipped = Math.min(this.#skipping, length - this.#at)
      this.#at += skipped
      this.#skipping -= skipped
      return this.#skipping === 0 && this.#at < length
    }
    this.#closeLevels(this.#base + this.#at)
    if (this.#at >= length) return false
    const from = this.#at
    const head = this.#head(length)
    if (!head) return false
    const { field, wire, bytes } = head
    const level = this.#levels.length
    const around = this.#levels.at(-1)?.end ?? Number.POSITIVE_INFINITY
    if (this.#base + this.#at + bytes > around) throw this.#refused('a field that reaches beyond the message that holds it')
    if (level === root && (wire !== lengthDelimited || field !== 1))
      throw this.#refused('neither JSON nor spans of OTLP in protobuf')
    const wanted =
      wire === lengthDelimited && (level === root ? field === 1 : field === 2 || (level === resourceSpans && field === 1))
    if (!wanted) {
      this.#skipping = bytes
      return bytes === 0 || this.#step()
    }
    if (field === (level === root ? 1 : 2) && level < scopeSpans) {
      this.#levels.push({ end: this.#base + this.#at + bytes, from: this.#sink.count })
      return true
    }
    if (this.#at + bytes > length) {
      this.#at = from
      return false
    }
    const end = this.#at + bytes
    if (level === scopeSpans) this.#span(end)
    else this.#resource(end)
    this.#at = end
    return true
  }

  /** Tag and length of the next field; undefined, at the same place, when they have not all come. */
  #head(length: number): { field: number; wire: number; bytes: number } | undefined {
    const from = this.#at
    // A tag and a length have at most 15 bytes; fewer may be all there is.
    if (length - from < 15 && !this.#hasVarints(length)) return undefined
    const tag = this.#varint()
    const [field, wire] = [Math.floor(tag / 8), tag & 7]
    if (wire === lengthDelimited) return { field, wire, bytes: this.#varint() }
    if (wire === 0) {
      this.#varint()
      return { field, wire, bytes: 0 }
    }
    if (wire === 1 || wire === 5) return { field, wire, bytes: wire === 1 ? 8 : 4 }
    throw this.#refused(`a field of type ${wire}, which the encoding does not have`)
  }

  /** Whether two numbers are there in full. */
  #hasVarints(length: number): boolean {
    let ends = 0
    for (let at = this.#at; at < length; at++) if ((this.#bytes[at] as number) < 0x80 && ++ends === 2) return true
    return false
  }

  #closeLevels(at: number): void {
    for (let level = this.#levels.at(-1); level && level.end <= at; level = this.#levels.at(-1)) {
      this.#levels.pop()
      if (this.#levels.length !== root) continue
      const { columns } = this.#sink
      for (let row = level.from; row < this.#sink.count; row++) {
        columns.service[row] = this.#service
        columns.host[row] = this.#host
      }
      this.#service = 0
      this.#host = 0
    }
  }

  #resource(end: number): void {
    this.#attributes.clear()
    while (this.#at < end) {
      const tag = this.#varint()
      if (tag === 10) this.#attribute()
      else this.#skip(tag & 7)
    }
    this.#service = this.#sink.text(this.#attributes.get('service'))
    this.#host = this.#sink.text(this.#attributes.get('host'))
  }

  #span(end: number): void {
    const [sink, attributes] = [this.#sink, this.#attributes]
    attributes.clear()
    const id: Id = { high: 0, low: 0 }
    const parent: Id = { high: 0, low: 0 }
    let [withId, withParent, failed] = [false, false, false]
    let [name, kind, traceHigh, traceLow] = ['', 0, 0, 0]
    let [traceFrom, traceTo] = [0, 0]
    let [startHigh, startLow, endHigh, endLow] = [0, 0, 0, 0]
    while (this.#at < end) {
      const tag = this.#varint()
      const [field, wire] = [tag >>> 3, tag & 7]
      if (field === spanField.name && wire === 2) name = this.#text()
      else if (field === spanField.kind && wire === 0) kind = this.#varint()
      else if (field === spanField.attributes && wire === 2) this.#attribute()
      else if ((field === spanField.start || field === spanField.end) && wire === 1) {
        const [low, high] = [this.#uint32(), this.#uint32()]
        if (field === spanField.start) [startHigh, startLow] = [high, low]
        else [endHigh, endLow] = [high, low]
      } else if ((field === spanField.traceId || field === spanField.spanId || field === spanField.parentId) && wire === 2) {
        const to = this.#length()
        const length = to - this.#at
        if (length >= 8) {
          const high = this.#bytes.readInt32BE(to - 8)
          const low = this.#bytes.readInt32BE(to - 4)
          if (field === spanField.traceId) [traceHigh, traceLow, traceFrom, traceTo] = [high, low, this.#at, to]
          else if (field === spanField.spanId) [id.high, id.low, withId] = [high, low, true]
          else if (high !== 0 || low !== 0) [parent.high, parent.low, withParent] = [high, low, true]
        }
        this.#at = to
      } else if (field === spanField.status && wire === 2) {
        const to = this.#length()
        while (this.#at < to) {
          const inner = this.#varint()
          if (inner === 24) failed = this.#varint() === 2
          else this.#skip(inner & 7)
        }
        this.#at = to
      } else this.#skip(wire)
    }
    if (this.#at !== end) throw this.#refused('a span that is longer than it says')
    const row = sink.append(
      sink.traceOf(traceHigh, traceLow, () => this.#bytes.toString('hex', traceFrom, traceTo)),
      withId ? id : undefined,
    )
    const { columns } = sink
    this.#epoch ??= halvesOf(sink.epochMs((startHigh * 4_294_967_296 + startLow) / 1e6))
    columns.start[row] = this.#sinceEpoch(startHigh, startLow)
    columns.end[row] = this.#sinceEpoch(endHigh, endLow)
    columns.name[row] = sink.text(name)
    columns.code[row] = sink.text(attributes.code())
    const spanKind = spanKinds[kind] ?? 'unspecified'
    sink.describe(row, spanKind, this.#operation(name, kind), failed, spanKind === 'consumer')
    if (withParent) sink.parent(row, parent.high, parent.low)
    sink.format = otlpProtobufName
  }

  /** Milliseconds, exact to the nanosecond for a hundred days around the first span. */
  #sinceEpoch(high: number, low: number): number {
    const epoch = this.#epoch as { high: number; low: number }
    return ((high - epoch.high) * 4_294_967_296 + (low - epoch.low)) / 1e6
  }

  /** Most spans of a file are of a few hundred kinds. */
  #operation(name: string, kind: number): Operation {
    const key = `${kind}\n${name}${this.#attributes.key()}`
    let operation = this.#operations.get(key)
    if (!operation) {
      operation = operationOf(name, spanKinds[kind] ?? 'unspecified', this.#attributes)
      if (this.#operations.size < rememberedTexts) this.#operations.set(key, operation)
    }
    return operation
  }

  #attribute(): void {
    const end = this.#length()
    let slot = -1
    while (this.#at < end) {
      const tag = this.#varint()
      if (tag === 10) slot = attributeSlot(this.#text())
      else if (tag === 18 && slot >= 0) this.#value(slot)
      else this.#skip(tag & 7)
    }
    this.#at = end
  }

  #value(slot: number): void {
    const end = this.#length()
    while (this.#at < end) {
      const tag = this.#varint()
      const [field, wire] = [tag >>> 3, tag & 7]
      if (field === anyValue.string && wire === 2) this.#attributes.put(slot, this.#text())
      else if (field === anyValue.int && wire === 0) this.#attributes.put(slot, this.#varint())
      else if (field === anyValue.bool && wire === 0) this.#attributes.put(slot, this.#varint() === 1)
      else this.#skip(wire)
    }
    this.#at = end
  }

  /** Reads a length. @returns where what follows ends */
  #length(): number {
    const length = this.#varint()
    if (length < 0 || this.#at + length > this.#bytes.length)
      throw this.#refused(`a length of ${length} bytes, which reaches beyond what holds it`)
    return this.#at + length
  }

  #text(): string {
    const end = this.#length()
    const text = this.#texts.get(this.#bytes, this.#at, end)
    this.#at = end
    return text
  }

  /** Up to 2^53; what is larger loses its last bits. */
  #varint(): number {
    let [value, factor] = [0, 1]
    for (let i = 0; i < 10; i++) {
      const byte = this.#bytes[this.#at++]
      if (byte === undefined) throw this.#refused('the end, within a number')
      value += (byte & 0x7f) * factor
      if (byte < 0x80) return value
      factor *= 128
    }
    throw this.#refused('a number of more than ten bytes')
  }

  #uint32(): number {
    if (this.#at + 4 > this.#bytes.length) throw this.#refused('the end, within a time')
    const value = this.#bytes.readUInt32LE(this.#at)
    this.#at += 4
    return value
  }

  #skip(wire: number): void {
    if (wire === 0) this.#varint()
    else if (wire === 1) this.#at += 8
    else if (wire === 2) this.#at = this.#length()
    else if (wire === 5) this.#at += 4
    else throw this.#refused(`a field of type ${wire}, which the encoding does not have`)
    if (this.#at > this.#bytes.length) throw this.#refused('the end, within a field')
  }

  #refused(what: string): FileRefused {
    return new FileRefused(`byte ${(this.#base + this.#at).toLocaleString('en')}: ${what}`)
  }
}

/** By hand: most texts are a few dozen bytes, for which the native comparison takes longer to begin. */
function same(known: Buffer, bytes: Buffer, from: number): boolean {
  for (let i = 0; i < known.length; i++) if (known[i] !== bytes[from + i]) return false
  return true
}

/** Decoded texts by their bytes. */
class TextCache {
  readonly #places = new Map<number, { readonly bytes: Buffer; readonly text: string }>()

  get(bytes: Buffer, from: number, to: number): string {
    const length = to - from
    if (length === 0) return ''
    if (length > rememberedBytes) return bytes.toString('utf8', from, to)
    let hash = length
    for (let at = from; at < to; at++) hash = Math.imul(hash, 31) + (bytes[at] as number)
    const known = this.#places.get(hash)
    if (known && known.bytes.length === length && same(known.bytes, bytes, from)) return known.text
    const text = bytes.toString('utf8', from, to)
    if (this.#places.size < rememberedTexts) this.#places.set(hash, { bytes: Buffer.from(bytes.subarray(from, to)), text })
    return text
  }
}

/** Milliseconds since 1970 as nanoseconds in two halves. */
function halvesOf(epochMs: number): { high: number; low: number } {
  const nanos = BigInt(epochMs) * 1_000_000n
  return { high: Number(nanos >> 32n), low: Number(nanos & 0xffff_ffffn) }
}
