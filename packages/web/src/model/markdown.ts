/**
 * The Markdown that answers use, as plain values. Everything stays text: nothing of what a user, a file or a model wrote
 * ever becomes HTML.
 */
export type Inline =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'strong'; readonly text: string }
  | { readonly kind: 'emphasis'; readonly text: string }
  | { readonly kind: 'code'; readonly text: string }
  | { readonly kind: 'link'; readonly text: string; readonly href: string }
  /** A figure and the citation behind it: `**$24.12** [fig:total]`, or a citation alone. */
  | { readonly kind: 'figure'; readonly text: string; readonly id: string }

export interface ListItem {
  readonly content: readonly Inline[]
  readonly children: readonly ListItem[]
}

export type Block =
  | { readonly kind: 'paragraph'; readonly content: readonly Inline[] }
  | { readonly kind: 'heading'; readonly level: number; readonly content: readonly Inline[] }
  | { readonly kind: 'list'; readonly ordered: boolean; readonly items: readonly ListItem[] }
  | { readonly kind: 'code'; readonly text: string }
  | { readonly kind: 'quote'; readonly content: readonly Inline[] }
  | {
      readonly kind: 'table'
      readonly head: readonly (readonly Inline[])[]
      readonly rows: readonly (readonly (readonly Inline[])[])[]
    }

const inlineForms =
  /(?<figure>\*\*(?<figureText>[^*\n]+)\*\*\s?\[fig:(?<figureId>[^\]\s]+)\])|\[fig:(?<bareId>[^\]\s]+)\]|\*\*(?<strong>[^*\n]+)\*\*|`(?<code>[^`\n]+)`|\[(?<linkText>[^\]\n]+)\]\((?<href>https?:\/\/[^\s)]+)\)|(?<![\w*])\*(?<emphasis>[^*\s][^*\n]*)\*(?![\w*])/g

export function parseInline(text: string): readonly Inline[] {
  const parts: Inline[] = []
  let at = 0
  for (const match of text.matchAll(inlineForms)) {
    if (match.index > at) parts.push({ kind: 'text', text: text.slice(at, match.index) })
    at = match.index + match[0].length
    parts.push(inlineOf(match.groups ?? {}))
  }
  if (at < text.length) parts.push({ kind: 'text', text: text.slice(at) })
  return parts
}

function inlineOf(groups: Readonly<Record<string, string | undefined>>): Inline {
  const { figureText, figureId, bareId, strong, code, linkText, href, emphasis } = groups
  if (figureText !== undefined && figureId !== undefined)
    return { kind: 'figure', text: figureText, id: figureId }
  if (bareId !== undefined) return { kind: 'figure', text: '', id: bareId }
  if (strong !== undefined) return { kind: 'strong', text: strong }
  if (code !== undefined) return { kind: 'code', text: code }
  if (linkText !== undefined && href !== undefined) return { kind: 'link', text: linkText, href }
  return { kind: 'emphasis', text: emphasis ?? '' }
}

const itemForm = /^(?<indent> *)(?:[-*]|(?<number>\d+)[.)]) +(?<text>.*)$/
const cellsOf = (line: string): readonly string[] =>
  line
    .trim()
    .replace(/^\||\|$/g, '')
    .split('|')
    .map((cell) => cell.trim())

/** Never fails: what is no form it knows is a paragraph. */
export function parseMarkdown(text: string): readonly Block[] {
  const lines = text.split('\n')
  const blocks: Block[] = []
  let paragraph: string[] = []
  const flush = (): void => {
    if (paragraph.length > 0) blocks.push({ kind: 'paragraph', content: parseInline(paragraph.join(' ')) })
    paragraph = []
  }
  for (let index = 0; index < lines.length; index += 1) {
    const line = lines[index] ?? ''
    const heading = /^(#{1,6}) +(.*)$/.exec(line)
    const next = lines[index + 1] ?? ''
    if (line.trim() === '') flush()
    else if (line.startsWith('```')) {
      flush()
      const end = lines.findIndex((each, place) => place > index && each.startsWith('```'))
      // A fence that is still being written runs to the end.
      const stop = end === -1 ? lines.length : end
      blocks.push({ kind: 'code', text: lines.slice(index + 1, stop).join('\n') })
      index = stop
    } else if (heading !== null) {
      flush()
      const [, marks = '', title = ''] = heading
      blocks.push({ kind: 'heading', level: marks.length, content: parseInline(title) })
    } else if (line.startsWith('> ')) {
      flush()
      blocks.push({ kind: 'quote', content: parseInline(line.slice(2)) })
    } else if (line.includes('|') && /^[\s|:-]*-[\s|:-]*$/.test(next) && next.includes('|')) {
      flush()
      const rows: string[] = []
      let row = index + 2
      for (; (lines[row] ?? '').includes('|'); row += 1) rows.push(lines[row] ?? '')
      blocks.push({
        kind: 'table',
        head: cellsOf(line).map(parseInline),
        rows: rows.map((each) => cellsOf(each).map(parseInline)),
      })
      index = row - 1
    } else if (itemForm.test(line)) {
      flush()
      let end = index
      while (itemForm.test(lines[end] ?? '')) end += 1
      blocks.push(listOf(lines.slice(index, end)))
      index = end - 1
    } else paragraph.push(line.trim())
  }
  flush()
  return blocks
}

function listOf(lines: readonly string[]): Block {
  const items: { content: readonly Inline[]; children: ListItem[] }[] = []
  const outer = indentOf(lines[0] ?? '')
  for (const line of lines) {
    const item = { content: parseInline(itemForm.exec(line)?.groups?.['text'] ?? ''), children: [] }
    const parent = items.at(-1)
    if (indentOf(line) > outer && parent !== undefined) parent.children.push(item)
    else items.push(item)
  }
  return { kind: 'list', ordered: itemForm.exec(lines[0] ?? '')?.groups?.['number'] !== undefined, items }
}

const indentOf = (line: string): number => itemForm.exec(line)?.groups?.['indent']?.length ?? 0
