import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseInline, parseMarkdown } from './markdown.ts'

test('a figure is its number together with its citation', () => {
  expect(parseInline('Total: **$24.12** [fig:total_cost] over **61** days')).toEqual([
    { kind: 'text', text: 'Total: ' },
    { kind: 'figure', text: '$24.12', id: 'total_cost' },
    { kind: 'text', text: ' over ' },
    { kind: 'strong', text: '61' },
    { kind: 'text', text: ' days' },
  ])
  expect(parseInline('[fig:a]')).toEqual([{ kind: 'figure', text: '', id: 'a' }])
})

test('links are web addresses; anything else stays text', () => {
  expect(parseInline('[x](https://a.test/b)')).toEqual([
    { kind: 'link', text: 'x', href: 'https://a.test/b' },
  ])
  for (const text of ['[x](javascript:alert(1))', '[x](/v1/session)', '<img src=x onerror=alert(1)>'])
    expect(parseInline(text)).toEqual([{ kind: 'text', text }])
})

test('blocks: headings, nested lists, tables, code that is still being written', () => {
  const blocks = parseMarkdown(
    '## Costs\n\nOne\ntwo\n\n- **a**: x\n  - inner\n- b\n\n| m | n |\n|---|---:|\n| 1 | 2 |\n\n```sql\nselect 1',
  )
  expect(blocks.map(({ kind }) => kind)).toEqual(['heading', 'paragraph', 'list', 'table', 'code'])
  expect(blocks[1]).toEqual({ kind: 'paragraph', content: [{ kind: 'text', text: 'One two' }] })
  expect(blocks[2]).toMatchObject({ ordered: false, items: [{ children: [{ children: [] }] }, {}] })
  expect(blocks[3]).toMatchObject({ rows: [[[{ text: '1' }], [{ text: '2' }]]] })
  expect(blocks[4]).toEqual({ kind: 'code', text: 'select 1' })
})

test('no text makes it fail or loop, and no letter is lost', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('a', '*', '`', '[', ']', '(', ')', '|', '-', '\n', ' ', '#', '>', '1.')),
      (parts) => {
        const text = parts.join('')
        const letters = JSON.stringify(parseMarkdown(text)).replaceAll(
          /"(kind|content|text|level|items|ordered|children|head|rows|href|id)":|"(paragraph|heading|list|code|quote|table|text|strong|emphasis|link|figure)"/g,
          '',
        )
        expect(letters.split('a').length).toBeGreaterThanOrEqual(
          text.replaceAll(/```a*/g, '').split('a').length,
        )
      },
    ),
    { numRuns: 300 },
  )
})
