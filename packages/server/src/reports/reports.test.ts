import type { Report } from '@holdfast/protocol'
import { expect, test } from 'vitest'
import type { ReportExport } from './export-report.ts'
import { csvCell, queryCsv } from './report-csv.ts'
import { reportHtml } from './report-html.ts'
import { reportMarkdown } from './report-markdown.ts'

const evil = `<img src=x onerror="alert('1')"></pre></table>\`\`\`![x](https://evil.test/?q=1)[y](javascript:alert(1))|`
const report: Report = {
  title: `Cost ${evil}`,
  playbook: 'cost_breakdown',
  outcome: 'partial',
  question: `Where does ${evil} go?`,
  text: `In all **$24.12** [fig:total], of ${evil}.\n\n- gpt-5: **$20.00** [fig:gpt5]\n- ${evil}\n\n| a | b |\n|---|---|\n| 1 | ${evil} |\n\nNo such [fig:nothing].`,
  figures: [
    { id: 'gpt5', label: `gpt-5 ${evil}`, value: 20, unit: 'USD', query: 'by_model', row: 0, column: 'cost' },
    { id: 'total', label: 'Total', value: 24.120929, unit: 'USD', query: 'total', row: 0, column: 'cost' },
  ],
  queries: [
    {
      id: 'total',
      title: 'Total',
      sql: 'SELECT sum(cost) AS cost FROM usage',
      verified: true,
      columns: ['cost'],
      rows: [[24.120929]],
      truncated: false,
    },
    {
      id: 'by_model',
      title: evil,
      sql: `SELECT '\`\`\`' AS ${evil}`,
      verified: false,
      columns: ['cost', evil],
      rows: [[20, evil], ...Array.from({ length: 600 }, (_, n): [number, null] => [n, null])],
      truncated: true,
    },
  ],
  charts: [{ id: 'by_model', title: evil, query: 'by_model', spec: {} }],
  caveats: [`Keep ${evil} in mind`],
  coverage: [
    { file: `usage ${evil}.csv`, rows: 601, from: '2026-09-01', to: '2026-09-30', used: true },
    { file: 'other.csv', rows: 3, used: false },
  ],
  notLookedAt: [`other.csv: ${evil}`],
}
const whole: ReportExport = {
  report,
  svgs: new Map([['by_model', '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>']]),
  createdAt: '2026-11-27T04:00:00.000Z',
}

test('HTML: nothing of data or model is markup, and the page may run and load nothing', () => {
  const html = reportHtml(whole)
  const own = html.replaceAll(/src="data:image\/svg\+xml;base64,[^"]*"/g, 'src=""')
  // The only tags with an address are the pictures and the links within the page.
  expect(
    [...own.matchAll(/<(\w+)[^>]*\s(src|href|action|srcset)=/g)].map(([, tag]) => tag).toSorted(),
  ).toEqual(['a', 'a', 'img'])
  expect(own).not.toMatch(/<script|<iframe|<object|<svg|onerror="|<form/)
  expect([...own.matchAll(/<img/g)]).toHaveLength(1)
  expect(html).toMatch(/default-src &#39;none&#39;; img-src data:; style-src &#39;sha256-/)
})

test('HTML: text, figures with their cells, tables, caveats, coverage and what was not looked at', () => {
  const html = reportHtml(whole)
  expect(html).toContain('<strong>$24.12</strong> <sup><a href="#figure-1">1</a></sup>')
  expect(html).toContain('total, row 1, cost')
  expect(html).toContain('SELECT sum(cost) AS cost FROM usage')
  expect(html).toContain('ad-hoc SQL, unverified, 601 rows, the first 500 shown; more existed than were kept')
  expect(html).toContain('601 rows, 2026-09-01 to 2026-09-30')
  expect(html).toContain('other.csv: 3 rows (not used)')
  expect(html).toContain('<h3>Not looked at</h3>')
  expect(html).not.toContain('[fig:')
})

test('Markdown: citations are footnotes, and no cell is a link, a picture or HTML', () => {
  const markdown = reportMarkdown(whole)
  expect(markdown).toContain('**$24.12**[^1]')
  expect(markdown).toMatch(/\[\^1\]: Total: total, row 1, cost/)
  expect(markdown).toContain('## Show your work')
  expect(markdown).toContain('### Not looked at')
  const outsideCode = markdown.replaceAll(/^(`{3,})sql\n[\s\S]*?\n\1$/gm, '')
  expect(outsideCode).not.toMatch(/(?<!\\)!\[|(?<![\\!])\[(?!\^\d)[^\]]*\]\(|<img/)
})

test('CSV: exact, quoted, and no formula for a spreadsheet to run', () => {
  expect(
    queryCsv({
      columns: ['a', 'b,c'],
      rows: [
        [1.5, 'x"y'],
        [null, '=1+1'],
        [-3, true],
      ],
    }),
  ).toBe('a,"b,c"\r\n1.5,"x""y"\r\n,\'=1+1\r\n-3,true\r\n')
  expect(['-1.5', '+1', '@x', '\tx', '-x', ' x'].map(csvCell)).toEqual([
    '-1.5',
    '+1',
    "'@x",
    "'\tx",
    "'-x",
    '" x"',
  ])
})
