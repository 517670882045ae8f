/** Five views of one text. A worker module: its functions run on all cores, and are called like any others. */
import nlp from 'compromise'
import { flesch } from 'flesch'
import keywords from 'keyword-extractor'
import { syllable } from 'syllable'
import vader from 'vader-sentiment'
import { workers } from 'heddle'

const { extract } = keywords

export interface Entity {
  readonly name: string
  readonly kind: 'person' | 'organization' | 'place'
}

export interface Readability {
  readonly words: number
  readonly sentences: number
  /** Flesch reading ease: 100 is very easy, below 30 very hard. */
  readonly ease: number
}

export const { sentiment, entities, keyPhrases, summary, readability } = workers(import.meta.url, {
  /** From -1 (negative) to 1 (positive): the mean over the sentences. */
  sentiment(text: string): number {
    const scores = sentencesOf(text).map((sentence) => vader.SentimentIntensityAnalyzer.polarity_scores(sentence).compound)
    return scores.length === 0 ? 0 : scores.reduce((sum, score) => sum + score, 0) / scores.length
  },

  /** Named entities, each once. */
  entities(text: string): Entity[] {
    const doc = nlp(text)
    const named = (kind: Entity['kind'], found: readonly string[]): Entity[] =>
      [...new Set(found.map((name) => name.replace(/['’]s$|[^\p{L}\p{N}]+$/gu, '')))]
        .filter(Boolean)
        .map((name) => ({ name, kind }))
    return [
      ...named('person', doc.people().out('array') as string[]),
      ...named('organization', doc.organizations().out('array') as string[]),
      ...named('place', doc.places().out('array') as string[]),
    ]
  },

  /** The phrases that come up most, most frequent first, at most ten. */
  keyPhrases(text: string): string[] {
    const counts = new Map<string, number>()
    for (const phrase of extract(text, {
      language: 'english',
      remove_digits: true,
      return_chained_words: true,
      return_changed_case: true,
    })) {
      const words = phrase.split(' ').filter((word) => /^\p{L}[\p{L}-]{2,}$/u.test(word))
      if (words.length > 0 && words.length < 4) counts.set(words.join(' '), (counts.get(words.join(' ')) ?? 0) + words.length)
    }
    return [...counts]
      .sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0]))
      .slice(0, 10)
      .map(([phrase]) => phrase)
  },

  /** The two sentences that share most words with the rest of the text, in their order (an extractive summary, after Luhn 1958). */
  summary(text: string): string {
    const sentences = sentencesOf(text)
    const frequency = new Map<string, number>()
    for (const word of contentWords(text)) frequency.set(word, (frequency.get(word) ?? 0) + 1)
    const score = (sentence: string): number => {
      const words = contentWords(sentence)
      if (words.length < 4) return 0
      return words.reduce((sum, word) => sum + (frequency.get(word) ?? 0), 0) / Math.sqrt(words.length)
    }
    const ranked = sentences.map((sentence, at) => ({ sentence, at, score: score(sentence) })).sort((a, b) => b.score - a.score)
    return ranked
      .slice(0, 2)
      .sort((a, b) => a.at - b.at)
      .map(({ sentence }) => sentence)
      .join(' ')
  },

  readability(text: string): Readability {
    const words = text.match(/\p{L}+/gu) ?? []
    const sentences = Math.max(1, sentencesOf(text).length)
    const syllables = words.reduce((sum, word) => sum + syllable(word), 0)
    const ease = words.length === 0 ? 0 : flesch({ sentence: sentences, word: words.length, syllable: syllables })
    return { words: words.length, sentences, ease }
  },
})

function sentencesOf(text: string): string[] {
  return text
    .split(/(?<=[.!?])\s+(?=\p{Lu})|\n{2,}/u)
    .map((sentence) => sentence.trim())
    .filter((sentence) => /\p{L}/u.test(sentence))
}

function contentWords(text: string): string[] {
  return (text.toLowerCase().match(/\p{L}{4,}/gu) ?? []).filter(
    (word) =>
      !/^(this|that|with|from|have|will|your|when|then|they|been|which|there|their|would|could|should|into|also|more|only|than|them|these|those|what|where|here)$/.test(
        word,
      ),
  )
}
