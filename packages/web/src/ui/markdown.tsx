import { Fragment, memo, type ReactNode, useMemo } from 'react'
import { type Block, type Inline, type ListItem, parseMarkdown } from '../model/markdown.ts'

type ShowFigure = (id: string, text: string) => ReactNode

/** Text of an answer. Figures are shown by whoever knows where they come from. */
export const Markdown = memo(function Markdown({
  text,
  figure = (_, shown) => <strong className="font-semibold">{shown}</strong>,
}: {
  readonly text: string
  readonly figure?: ShowFigure
}): ReactNode {
  const blocks = useMemo(() => parseMarkdown(text), [text])
  return (
    <div className="prose-answer [overflow-wrap:anywhere]">
      {keyed(blocks, (block) => (
        <BlockView block={block} figure={figure} />
      ))}
    </div>
  )
})

/** Parts of a text have no names of their own; their place is one, as long as text only grows at its end. */
function keyed<Part>(parts: readonly Part[], show: (part: Part) => ReactNode): ReactNode {
  return parts.map((part, place) => {
    const key = `${place}`
    return <Fragment key={key}>{show(part)}</Fragment>
  })
}

function BlockView({ block, figure }: { readonly block: Block; readonly figure: ShowFigure }): ReactNode {
  const inline = (content: readonly Inline[]): ReactNode =>
    keyed(content, (part) => <InlineView part={part} figure={figure} />)
  switch (block.kind) {
    case 'paragraph':
      return <p>{inline(block.content)}</p>
    case 'heading':
      return <h4 className="font-semibold">{inline(block.content)}</h4>
    case 'quote':
      return (
        <blockquote className="border-l-2 border-line pl-3 text-soft">{inline(block.content)}</blockquote>
      )
    case 'code':
      return <Code text={block.text} />
    case 'list': {
      const items = keyed(block.items, (item) => <ItemView item={item} inline={inline} />)
      return block.ordered ? <ol>{items}</ol> : <ul>{items}</ul>
    }
    case 'table':
      return (
        <div className="overflow-x-auto">
          <table className="text-sm">
            <thead>
              <tr>
                {keyed(block.head, (cell) => (
                  <th className="border-b border-line px-2 py-1 text-left font-medium">{inline(cell)}</th>
                ))}
              </tr>
            </thead>
            <tbody>
              {keyed(block.rows, (row) => (
                <tr>
                  {keyed(row, (cell) => (
                    <td className="border-b border-line px-2 py-1">{inline(cell)}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )
    default:
      return block satisfies never
  }
}

function ItemView({
  item,
  inline,
}: {
  readonly item: ListItem
  readonly inline: (content: readonly Inline[]) => ReactNode
}): ReactNode {
  return (
    <li>
      {inline(item.content)}
      {item.children.length > 0 && (
        <ul>
          {keyed(item.children, (child) => (
            <ItemView item={child} inline={inline} />
          ))}
        </ul>
      )}
    </li>
  )
}

function InlineView({ part, figure }: { readonly part: Inline; readonly figure: ShowFigure }): ReactNode {
  switch (part.kind) {
    case 'text':
      return part.text
    case 'strong':
      return <strong className="font-semibold">{part.text}</strong>
    case 'emphasis':
      return <em>{part.text}</em>
    case 'code':
      return <code>{part.text}</code>
    case 'link':
      return (
        <a
          className="text-accent underline"
          href={part.href}
          rel="noopener noreferrer nofollow"
          target="_blank"
        >
          {part.text}
        </a>
      )
    case 'figure':
      return figure(part.id, part.text)
    default:
      return part satisfies never
  }
}

/** SQL and other text to be read as it stands. */
export function Code({ text }: { readonly text: string }): ReactNode {
  return (
    <pre
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by the keyboard
      tabIndex={0}
      className="max-h-96 overflow-auto rounded-lg bg-sunken p-3 font-mono text-xs leading-5 whitespace-pre-wrap [overflow-wrap:anywhere]"
    >
      {text}
    </pre>
  )
}
