import { createHash } from 'node:crypto'
import type { QueryResult } from '@holdfast/protocol'
import {
  cellOf,
  cellText,
  coverageLines,
  exportLimits,
  labelOf,
  numbered,
  type ReportExport,
  rowsOf,
} from './export-report.ts'

const style = `
:root{color-scheme:light dark}
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
h1{line-height:1.2}table{border-collapse:collapse;font-size:.875rem}
th,td{border:1px solid #8886;padding:.2rem .5rem;text-align:left;vertical-align:top}
td.n{text-align:right;font-variant-numeric:tabular-nums}
.scroll{overflow-x:auto;margin:.5rem 0}pre{overflow-x:auto;background:#8882;padding:.75rem;font-size:.8125rem}
img{max-width:100%;height:auto;background:#fff}figure{margin:1rem 0}
blockquote{border-left:.25rem solid #8888;margin:1rem 0;padding:0 1rem}.soft{opacity:.75}
@media print{details{display:block}body{max-width:none}}
`
/** The page may do nothing but show its own style and the pictures within it: no script, no address, no form. */
const policy = `default-src 'none'; img-src data:; style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'; form-action 'none'; base-uri 'none'`

/**
 * A report as one file that needs nothing beside it. Whatever comes from data or from a model is text; charts are
 * pictures, which can run nothing and load nothing.
 */
export function reportHtml({ report, svgs, createdAt }: ReportExport): string {
  const figures = numbered(report)
  const cite = (id: string): string => {
    const found = figures.get(id)
    return found === undefined ? '' : `<sup><a href="#figure-${found.number}">${found.number}</a></sup>`
  }
  const charts = report.charts.flatMap(({ id, title }) => {
    const svg = svgs.get(id)
    if (svg === undefined) return []
    const data = Buffer.from(svg).toString('base64')
    return [
      `<figure><img alt="${escaped(title)}. Its numbers stand in the tables." src="data:image/svg+xml;base64,${data}"><figcaption>${escaped(title)}</figcaption></figure>`,
    ]
  })
  const sources = [...figures.values()].map(
    ({ number, figure }) =>
      `<li id="figure-${number}" value="${number}">${escaped(figure.label)}: <strong>${escaped(String(figure.value ?? 'no value'))} ${escaped(figure.unit)}</strong> <span class="soft">${escaped(cellOf(figure))}</span></li>`,
  )
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${escaped(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${escaped(report.title)}</title>
<style>${style}</style>
</head>
<body>
<h1>${escaped(report.title)}</h1>
${report.question === undefined ? '' : `<blockquote><p>${escaped(report.question)}</p></blockquote>`}
${report.outcome === 'partial' ? '<p><em>A partial answer: see what was not looked at.</em></p>' : ''}
${markdownHtml(report.text, cite)}
${charts.join('\n')}
${list('Keep in mind', report.caveats, 'h2')}
<h2>Show your work</h2>
<p>Made ${escaped(createdAt)}, by playbook <code>${escaped(report.playbook)}</code>. Each figure is one cell of one query below.</p>
${list('Data', coverageLines(report), 'h3')}
${list('Not looked at', report.notLookedAt ?? [], 'h3')}
${sources.length === 0 ? '' : `<h3>Figures and their cells</h3>\n<ol>${sources.join('\n')}</ol>`}
<h3>Queries</h3>
${report.queries.map(queryHtml).join('\n')}
</body>
</html>
`
}

function list(title: string, lines: readonly string[], tag: 'h2' | 'h3'): string {
  if (lines.length === 0) return ''
  return `<${tag}>${title}</${tag}>\n<ul>${lines.map((line) => `<li>${escaped(line)}</li>`).join('')}</ul>`
}

function queryHtml(query: QueryResult): string {
  const cells = (row: QueryResult['rows'][number]): string =>
    row
      .map((value) => `<td${typeof value === 'number' ? ' class="n"' : ''}>${escaped(cellText(value))}</td>`)
      .join('')
  const head = query.columns.map((column) => `<th scope="col">${escaped(column)}</th>`).join('')
  const body = query.rows.slice(0, exportLimits.rows).map((row) => `<tr>${cells(row)}</tr>`)
  return `<h4>${escaped(query.title)}</h4>
<p class="soft"><code>${escaped(query.id)}</code>, ${labelOf(query)}, ${rowsOf(query)}</p>
<pre>${escaped(query.sql.trim())}</pre>
<div class="scroll"><table><thead><tr>${head}</tr></thead><tbody>${body.join('\n')}</tbody></table></div>`
}

const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

const escaped = (text: string): string =>
  text
    .replaceAll(/[\u0000-\u0008\u000B\u000C\u000E-\u001F\u007F]/g, ' ')
    .replaceAll(/[&<>"']/g, (character) => escapes[character] ?? '')

/** The little Markdown that answers use: headings, lists, tables, paragraphs, bold, code and citations. */
function markdownHtml(text: string, cite: (id: string) => string): string {
  const blocks: string[] = []
  let open: 'ul' | 'ol' | 'table' | null = null
  const close = (): void => {
    if (open !== null) blocks.push(`</${open}>`)
    open = null
  }
  const into = (tag: 'ul' | 'ol' | 'table'): void => {
    if (open === tag) return
    close()
    open = tag
    blocks.push(`<${tag}>`)
  }
  for (const line of text.split('\n')) {
    const heading = /^#{1,6} +(.*)$/.exec(line)
    const item = /^ *([-*]|\d+\.) +(.*)$/.exec(line)
    const row = /^\|(.*)\|\s*$/.exec(line)
    if (item !== null) {
      into(/\d/.test(item[1] ?? '') ? 'ol' : 'ul')
      blocks.push(`<li>${inline(item[2] ?? '', cite)}</li>`)
    } else if (row !== null) {
      into('table')
      if (!/^[\s|:-]+$/.test(row[1] ?? ''))
        blocks.push(
          `<tr>${(row[1] ?? '')
            .split('|')
            .map((cell) => `<td>${inline(cell.trim(), cite)}</td>`)
            .join('')}</tr>`,
        )
    } else {
      close()
      if (heading !== null) blocks.push(`<h3>${inline(heading[1] ?? '', cite)}</h3>`)
      else if (line.trim() !== '') blocks.push(`<p>${inline(line, cite)}</p>`)
    }
  }
  close()
  return blocks.join('\n')
}

function inline(text: string, cite: (id: string) => string): string {
  return text
    .split(/(\*\*[^*]+\*\*|`[^`]+`|\[fig:[^\]]+\])/)
    .map((part) => {
      if (/^\*\*[^*]+\*\*$/.test(part)) return `<strong>${escaped(part.slice(2, -2))}</strong>`
      if (/^`[^`]+`$/.test(part)) return `<code>${escaped(part.slice(1, -1))}</code>`
      if (/^\[fig:[^\]]+\]$/.test(part)) return cite(part.slice(5, -1))
      return escaped(part)
    })
    .join('')
}
