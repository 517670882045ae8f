/** The page of an inbox. Texts of questions come from models and strangers: nothing in them is markup, and nothing turns text around. */
import { readable } from '../../base/readable.ts'
import type { OpenQuestion } from './inbox.ts'

const style =
  'body{font:16px/1.5 system-ui;max-width:50rem;margin:2rem auto;padding:0 1rem}article{border:1px solid #8886;border-radius:8px;padding:1rem;margin:1rem 0}pre{white-space:pre-wrap}textarea,input{width:100%;box-sizing:border-box;font:inherit}button{font:inherit;margin:.5rem .5rem 0 0;padding:.3rem 1rem}:root{color-scheme:light dark}'

export function inboxPage(questions: readonly OpenQuestion[]): string {
  const list = questions.length === 0 ? '<p>Nothing to decide.</p>' : questions.map(articleOf).join('\n')
  const title = `${questions.length} to decide`
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="60"><title>${title}</title><style>${style}</style></head><body><h1>To decide</h1>${list}</body></html>`
}

function articleOf({ key, text, draft, askedAt }: OpenQuestion): string {
  const field =
    draft === undefined ? '' : `<textarea name="value" rows="8" aria-label="Draft">\n${escaped(draftText(draft))}</textarea>`
  const edit = draft === undefined ? '' : '<button name="decision" value="edit">Use as edited</button>'
  return `<article><pre>${escaped(readable(text))}</pre><p><time>${new Date(askedAt).toISOString()}</time></p>
<form method="post" action="/questions/${encodeURIComponent(key)}">${field}<input name="note" placeholder="Why (optional)" maxlength="2000">
<button name="decision" value="approve">Approve</button>${edit}<button name="decision" value="reject">Reject</button></form></article>`
}

/** A text that is edited stays whole; one that is only shown is cut. */
export function draftText(draft: unknown): string {
  return typeof draft === 'string' ? draft : JSON.stringify(draft, undefined, 2)
}

/** Marks that turn text around would hide what is approved; as numbers they are seen. */
function escaped(text: string): string {
  return text.replace(/[&<>"'\u200B\u200E\u200F\u2028-\u202E\u2060\u2066-\u2069\uFEFF]/g, (char) =>
    /[&<>"']/.test(char) ? `&#${char.charCodeAt(0)};` : `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
