import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openTestWorkspace, type TestWorkspace } from './workspace.test-support.ts'
import { zipOf } from './zip.test-support.ts'

let here: TestWorkspace
beforeAll(async () => {
  here = await openTestWorkspace({
    limits: {
      unpackedBytes: 100_000_000,
      jsonDocumentBytes: 10_000_000,
      xlsxUnpackedBytes: 1_000_000,
      columns: 300,
    },
  })
})
afterAll(async () => await here[Symbol.asyncDispose]())

/** The file's table, blanks as ''. */
async function table(
  name: string,
  content: string | Uint8Array,
): Promise<{ columns: readonly string[]; rows: string[][] }> {
  const file = await here.upload(name, content)
  const { columns, rows } = await here.query(file, 'SELECT * FROM t')
  return { columns, rows: rows.map((row) => row.map((cell) => String(cell ?? ''))) }
}

const parsesOf = async (values: readonly string[]) => {
  const profile = await here.read('v.csv', `v,w\n${values.map((value) => `"${value}",x`).join('\n')}\n`)
  return profile.columns[0]
}

describe('delimited text', () => {
  test('the delimiter and the decimal comma are found in the content, the name counts for nothing', async () => {
    const profile = await here.read(
      'kosten.parquet',
      'Datum;Kosten;Modell\n2026-09-01;1,50;x\n2026-09-02;1.200,75;y\n',
    )
    expect(profile).toMatchObject({ kind: 'csv', rows: 2, layout: { delimiter: ';' } })
    expect(profile.columns[1]).toMatchObject({
      parses: [{ cast: 'number_german', count: 2 }],
      numeric: { min: 1.5, max: 1200.75 },
    })
  })
  test('tabs make it tsv', async () => {
    expect(await here.read('a.csv', 'a\tb\n1\t2\n')).toMatchObject({ kind: 'tsv', rows: 1 })
  })
  test('apostrophes may be the quotes', async () => {
    expect((await table('a.csv', "a,b\n'x, y','z'\n")).rows).toEqual([['x, y', 'z']])
  })
  test('one column without any delimiter is a table', async () => {
    expect(await table('a.csv', 'message\nhello, world\nfoo\nbar; baz\n')).toEqual({
      columns: ['message'],
      rows: [['hello, world'], ['foo'], ['bar; baz']],
    })
  })
  test('a header and nothing below is a table of 0 rows', async () => {
    const profile = await here.read('a.csv', 'a,b,c\n')
    expect(profile).toMatchObject({ rows: 0, problems: [] })
    expect(profile.columns.map(({ name, filled }) => [name, filled])).toEqual([
      ['a', 0],
      ['b', 0],
      ['c', 0],
    ])
    expect((await table('a.csv', 'a,b,c')).rows).toEqual([])
  })
  test('repeated and missing names get names, and a person is told', async () => {
    const profile = await here.read('a.csv', 'Model,model,a,a,\n1,2,3,4,5\n')
    expect(profile.columns.map(({ name }) => name)).toEqual(['Model', 'model_2', 'a', 'a_2', 'column_5'])
    expect(profile.problems).toHaveLength(3)
  })
  test('rows that do not fit are left out, counted and said', async () => {
    const rows = Array.from({ length: 50 }, (_, id) => `${id},name ${id},2026-01-01`)
    const text = ['id,name,day', ...rows.with(10, '10,x').with(11, '1,2,3,4')].join('\n')
    const profile = await here.read('a.csv', text)
    expect(profile).toMatchObject({ rows: 48, layout: { rejectedRows: 2 } })
    expect(profile.problems).toEqual([
      '1 row left out: missing columns (first at line 12).',
      '1 row left out: too many columns (first at line 13).',
    ])
  })
  test('a stray quote costs its row and never the columns', async () => {
    const rows = Array.from({ length: 83 }, (_, id) => `${id},"name ${id}",2026-01-01`)
    const profile = await here.read('a.csv', ['id,name,day', ...rows.with(40, '40,"na"me",x')].join('\n'))
    expect(profile).toMatchObject({ rows: 82, layout: { rejectedRows: 1 } })
    expect(profile.columns).toHaveLength(3)
  })
  test('a quote that is never closed does not swallow the rest', async () => {
    const rows = Array.from({ length: 500 }, (_, id) => `${id},x`)
    const profile = await here.read('a.csv', ['id,name', ...rows.with(5, '5,"x')].join('\n'))
    expect(profile.rows).toBe(500)
    expect(profile.problems[0]).toContain('opened and not closed')
  })
  test('a file that does not keep to its header is refused', async () => {
    await expect(here.read('a.csv', 'a,b,c\n1;2;3\n')).rejects.toMatchObject({
      code: 'file_unreadable',
      message: expect.stringContaining("do not fit the header's 3 columns"),
    })
  })
  test('lines before the header are left out; a last row of totals is named', async () => {
    const profile = await here.read('a.csv', 'Usage\nof May\n\nid,name,cost\n1,a,2.5\n2,b,3.5\nTotal,,6.0\n')
    expect(profile).toMatchObject({ rows: 3, layout: { preambleLines: 3 } })
    expect(profile.problems).toEqual([
      expect.stringContaining('3 lines before'),
      expect.stringContaining('row of totals ("Total")'),
    ])
  })
  test('200 columns', async () => {
    const header = Array.from({ length: 200 }, (_, at) => `c${at}`).join(',')
    const row = (n: number) => Array.from({ length: 200 }, (_, at) => n * at).join(',')
    const profile = await here.read(
      'a.csv',
      [header, ...Array.from({ length: 50 }, (_, n) => row(n))].join('\n'),
    )
    expect(profile.columns).toHaveLength(200)
    expect(profile.columns[199]).toMatchObject({
      filled: 50,
      distinct: 50,
      numeric: { min: 0, max: 9751, allIntegers: true },
    })
  })
  test('more columns than the limit are refused, also of JSON', async () => {
    const wide = Object.fromEntries(Array.from({ length: 301 }, (_, at) => [`c${at}`, at]))
    await expect(here.read('a.json', JSON.stringify([wide]))).rejects.toMatchObject({
      code: 'file_unreadable',
    })
    await expect(
      here.read('a.csv', `${Array.from({ length: 301 }, (_, at) => `c${at}`).join(',')}\n`),
    ).rejects.toMatchObject({
      code: 'file_unreadable',
      message: expect.stringContaining('the limit is 300'),
    })
  })
})

describe('encodings', () => {
  const text = 'name,city\nJürgen,Köln €\n'
  test.each([
    ['utf-8', Buffer.from(text)],
    ['utf-8', Buffer.from(`\ufeff${text}`)],
    ['utf-16le', Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(text, 'utf16le')])],
    ['utf-16be', Buffer.concat([Buffer.from([0xfe, 0xff]), Buffer.from(text, 'utf16le').swap16()])],
    ['utf-16le', Buffer.from(text, 'utf16le')],
    ['windows-1252', Buffer.from(text.replace('€', '\x80'), 'latin1')],
  ] as const)('%s', async (encoding, bytes) => {
    expect(await table('a.csv', bytes)).toEqual({ columns: ['name', 'city'], rows: [['Jürgen', 'Köln €']] })
    expect((await here.read('a.csv', bytes)).layout.encoding).toBe(encoding)
  })
  test('a bad byte in UTF-8 costs its character, not its row', async () => {
    const bytes = Buffer.concat([Buffer.from('a,b\nä,ö\nü,'), Buffer.from([0xff]), Buffer.from('x\né,è\n')])
    expect((await table('a.csv', bytes)).rows).toEqual([
      ['ä', 'ö'],
      ['ü', '\ufffdx'],
      ['é', 'è'],
    ])
    expect((await here.read('a.csv', bytes)).problems[0]).toContain('1 byte is not valid UTF-8')
  })
  test('a bad byte in the tail of a file larger than one read is found', async () => {
    const bytes = Buffer.concat([Buffer.from(`a,b\n${'ä,ö\n'.repeat(400_000)}`), Buffer.from([0xff, 0x0a])])
    const profile = await here.read('a.csv', bytes)
    expect(profile.problems[0]).toContain('1 byte is not valid UTF-8')
  })
})

describe('JSON', () => {
  test('lines become dotted columns in the order they first appear', async () => {
    const text = '{"id":1,"usage":{"in":5}}\n\n{"id":2,"usage":{"in":1.50,"out":7},"tags":["a"]}\n'
    expect(await table('a.txt', text)).toEqual({
      columns: ['id', 'usage.in', 'usage.out', 'tags'],
      rows: [
        ['1', '5', '', ''],
        ['2', '1.50', '7', '["a"]'],
      ],
    })
  })
  test('bad lines are left out and counted', async () => {
    const profile = await here.read('a.jsonl', '{"a":1}\n{"a":\n[1]\n{"b":"x\\ny"}\n')
    expect(profile).toMatchObject({ kind: 'jsonl', rows: 2, layout: { rejectedRows: 2 } })
    expect(profile.problems).toEqual(['2 lines are not a JSON object and left out (first at line 2).'])
  })
  test('a first line longer than what the kind is told by is still a line', async () => {
    expect(await here.read('a.jsonl', `{"a":"${'x'.repeat(200_000)}"}\n{"a":1}\n`)).toMatchObject({ rows: 2 })
  })
  test('documents: an array, and an object around one', async () => {
    expect((await table('a.json', '[{"a":1},\n {"a":2}]')).rows).toEqual([['1'], ['2']])
    expect((await table('a.json', JSON.stringify({ data: [{ a: 1 }], more: false }, null, 2))).rows).toEqual([
      ['1'],
    ])
  })
  test.each([
    ['{"a": [1,2', 'not valid JSON'],
    ['[1,2,3]', 'holds no table'],
  ])('%s is refused', async (text, why) => {
    await expect(here.read('a.json', text)).rejects.toMatchObject({
      code: 'file_unreadable',
      message: expect.stringContaining(why),
    })
  })
  test('a document beyond the limit is refused, and lines of the same size are not', async () => {
    const object = `{"a":"${'x'.repeat(1_000)}"}`
    await expect(here.read('a.json', `[${`${object},`.repeat(11_000)}${object}]`)).rejects.toMatchObject({
      code: 'payload_too_large',
      message: expect.stringContaining('JSONL'),
    })
    expect(await here.read('a.jsonl', `${object}\n`.repeat(11_000))).toMatchObject({ rows: 11_000 })
  })
})

describe('gzip', () => {
  test('of text is read as the text', async () => {
    expect(await here.read('a.csv.gz', gzipSync('a,b\n1,2\n'))).toMatchObject({
      kind: 'csv',
      rows: 1,
      layout: { compression: 'gzip' },
    })
    expect(await here.read('a', gzipSync('{"a":1}\n{"a":2}\n'))).toMatchObject({ kind: 'jsonl', rows: 2 })
  })
  test('a bomb by ratio stops early', async () => {
    await expect(here.read('a.gz', gzipSync(Buffer.alloc(90_000_000, 'a')))).rejects.toMatchObject({
      code: 'payload_too_large',
      message: expect.stringContaining('300 times'),
    })
  })
  test('and one by size', async () => {
    const noise = Array.from({ length: 4_000 }, (_, at) => String(at * 7919)).join(',')
    await expect(here.read('a.gz', gzipSync(`${noise}\n`.repeat(4_000), { level: 1 }))).rejects.toMatchObject(
      { code: 'payload_too_large' },
    )
  })
  test('cut off is unreadable', async () => {
    const packed = gzipSync(
      `a,b\n${Array.from({ length: 50_000 }, (_, at) => `${at},${at * 31}`).join('\n')}`,
    )
    await expect(here.read('a.gz', packed.subarray(0, packed.length - 20))).rejects.toMatchObject({
      code: 'file_unreadable',
      message: expect.stringContaining('damaged or cut off'),
    })
  })
})

describe('what is no data', () => {
  test.each([
    ['empty', '', 'file_unreadable', '0 bytes'],
    ['blank', ' \n\n', 'file_unreadable', 'blank space'],
    ['png', Buffer.from('89504e470d0a1a0a0000000d', 'hex'), 'unsupported_media_type', 'PNG'],
    ['pdf', '%PDF-1.7\nabc', 'unsupported_media_type', 'PDF'],
    ['program', Buffer.from('7f454c4602010100', 'hex'), 'unsupported_media_type', 'program'],
    ['bytes', Buffer.from([0, 1, 2, 0, 255, 0, 9]), 'unsupported_media_type', 'binary data'],
    ['zip', zipOf({ 'a.csv': 'a,b\n' }), 'unsupported_media_type', 'zip archive'],
    ['docx', zipOf({ 'word/document.xml': '' }), 'unsupported_media_type', 'Word'],
    ['gzip of gzip', gzipSync(gzipSync('a,b\n')), 'unsupported_media_type', 'gzip inside a gzip'],
    ['gzip of nothing', gzipSync(''), 'file_unreadable', 'nothing in it'],
  ])('%s is refused at the upload', async (name, content, code, message) => {
    await expect(here.upload(`${name}.csv`, content)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(message),
    })
  })
})

describe('Parquet', () => {
  test('as text, nested values as JSON, times in UTC', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'holdfast-parquet-'))
    const instance = await DuckDBInstance.create(':memory:')
    const connection = await instance.connect()
    await connection.run(
      `COPY (SELECT 1 AS id, 1.50::DECIMAL(5, 2) AS cost, TIMESTAMP '2026-09-01 02:00:07.188' AS at, [1, 2] AS blocks, {'in': 5} AS usage, NULL::INT AS gone)
       TO '${directory}/a.parquet' (FORMAT parquet)`,
    )
    connection.closeSync()
    instance.closeSync()
    const bytes = await readFile(join(directory, 'a.parquet'))
    await rm(directory, { recursive: true })
    expect(await table('a.csv', bytes)).toEqual({
      columns: ['id', 'cost', 'at', 'blocks', 'usage', 'gone'],
      rows: [['1', '1.50', '2026-09-01 02:00:07.188', '[1,2]', '{"in":5}', '']],
    })
    await expect(here.read('a', bytes.subarray(0, 60))).rejects.toMatchObject({ code: 'file_unreadable' })
  })
})

describe('xlsx', () => {
  const cell = (value: string | number) =>
    typeof value === 'number' ? `<c><v>${value}</v></c>` : `<c t="inlineStr"><is><t>${value}</t></is></c>`
  const sheet = (rows: (string | number)[][]) =>
    `<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>${rows
      .map(
        (row, r) =>
          `<row r="${r + 1}">${row.map((value, c) => cell(value).replace('<c', `<c r="${String.fromCharCode(65 + c)}${r + 1}"`)).join('')}</row>`,
      )
      .join('')}</sheetData></worksheet>`
  const workbook = (sheets: Record<string, (string | number)[][]>) => {
    const names = Object.keys(sheets)
    const relations = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships'
    return zipOf({
      'xl/workbook.xml': `<?xml version="1.0"?><workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="${relations}"><sheets>${names.map((name, at) => `<sheet name="${name}" sheetId="${at + 1}" r:id="rId${at + 1}"/>`).join('')}</sheets></workbook>`,
      'xl/_rels/workbook.xml.rels': `<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">${names.map((_, at) => `<Relationship Id="rId${at + 1}" Type="${relations}/worksheet" Target="worksheets/sheet${at + 1}.xml"/>`).join('')}</Relationships>`,
      ...Object.fromEntries(
        names.map((name, at) => [`xl/worksheets/sheet${at + 1}.xml`, sheet(sheets[name] ?? [])]),
      ),
    })
  }
  test('the first sheet with data, and the others by name', async () => {
    const bytes = workbook({
      Empty: [],
      Usage: [
        ['model', 'tokens'],
        ['gpt-5', 12.5],
        ['x, y', 7],
      ],
      Notes: [['a']],
    })
    const profile = await here.read('a.csv', bytes)
    expect(profile).toMatchObject({
      kind: 'xlsx',
      rows: 2,
      layout: { sheet: 'Usage', otherSheets: ['Empty', 'Notes'] },
    })
    expect(await table('a', bytes)).toEqual({
      columns: ['model', 'tokens'],
      rows: [
        ['gpt-5', '12.5'],
        ['x, y', '7'],
      ],
    })
  })
  test('a workbook that unpacks beyond the limit is refused', async () => {
    const bytes = workbook({ Big: Array.from({ length: 20_000 }, () => ['aaaaaaaaaaaaaaaaaaaaaaaaaaa', 1]) })
    await expect(here.read('a', bytes)).rejects.toMatchObject({
      code: 'payload_too_large',
      message: expect.stringContaining('as CSV'),
    })
  })
})

describe('profile', () => {
  test('two readings of the same values are both shown', async () => {
    expect(await parsesOf(['01/02/2026', '03/04/2026'])).toMatchObject({
      parses: [
        { cast: 'date_dmy', count: 2 },
        { cast: 'date_mdy', count: 2 },
      ],
    })
    expect(await parsesOf(['1.200', '3.500'])).toMatchObject({
      parses: [{ cast: 'number' }, { cast: 'number_german' }],
    })
  })
  test('and one reading only once', async () => {
    expect((await parsesOf(['1', '2500', '3']))?.parses).toEqual([{ cast: 'number', count: 3 }])
    expect((await parsesOf(['385', '6,419', '2,367', '12']))?.parses).toEqual([
      { cast: 'number_thousands', count: 4 },
    ])
    expect((await parsesOf(['$1.50', '$0.25', 'Included']))?.parses).toEqual([{ cast: 'money', count: 2 }])
    expect((await parsesOf(['31/12/2026', '01/02/2026']))?.parses[0]).toEqual({ cast: 'date_dmy', count: 2 })
  })
  test('words for missing are no values of a column of numbers, and are values of a column of words', async () => {
    const profile = await here.read('a.csv', 'v,w\n1,N/A\n-,x\n3,y\nN/A,z\n5,x\n6,x\n')
    expect(profile.columns[0]).toMatchObject({ filled: 4, parses: [{ cast: 'number', count: 4 }] })
    expect(profile.columns[1]).toMatchObject({
      filled: 6,
      parses: [],
      top: [
        { value: 'x', count: 3 },
        { value: 'N/A', count: 1 },
        { value: 'y', count: 1 },
        { value: 'z', count: 1 },
      ],
    })
    expect(profile.problems).toEqual(['Column "v": 2 cells hold a word for missing (N/A, null, -, …).'])
  })
  test('numbers and times are summed up over all rows', async () => {
    const rows = Array.from(
      { length: 100 },
      (_, at) => `2026-09-01T00:${String(at % 60).padStart(2, '0')}:00+00:00,${at - 1}`,
    )
    const profile = await here.read('a.csv', `at,n\n${rows.join('\n')}`)
    expect(profile.columns[0]?.time).toEqual({
      min: '2026-09-01T00:00:00.000Z',
      max: '2026-09-01T00:59:00.000Z',
      medianStepSeconds: 60,
    })
    expect(profile.columns[1]?.numeric).toEqual({
      min: -1,
      max: 98,
      mean: 48.5,
      p50: 48,
      p95: 93,
      zeros: 1,
      negatives: 1,
      allIntegers: true,
    })
  })
  test('a column of many distinct values is judged on all rows, also where the surprise is far from both ends', async () => {
    const rows = Array.from({ length: 30_000 }, (_, at) => (at === 15_000 ? '"1,234"' : String(at + 10_000)))
    const profile = await here.read('a.csv', `n,x\n${rows.map((row) => `${row},1`).join('\n')}`)
    expect(profile.columns[0]).toMatchObject({
      filled: 30_000,
      parses: [
        { cast: 'number_thousands', count: 30_000 },
        { cast: 'number_german', count: 30_000 },
      ],
      numeric: { min: 1_234, max: 39_999 },
    })
  })
})
