import { expect, test } from 'vitest'
import { chartFiles } from './charts.ts'
import { artifactId, created, report, stored } from './events.test-support.ts'
import { tell, untold } from './story.ts'

const names = (...ids: readonly string[]): readonly string[] =>
  chartFiles({
    story: untold,
    report: { ...report, charts: ids.map((id) => ({ id, title: id, query: 'q', spec: {}, artifactId })) },
  }).map(({ name }) => name)

test('a chart is named by its id', () => {
  expect(names('cost_by_model')).toEqual(['cost-by-model.svg'])
})

test('what a server says does not become a path', () => {
  expect(names('../../etc/passwd', '/home/.ssh', 'a\u0000b', '..', 'CON', 'Überblick')).toEqual([
    'etc-passwd.svg',
    'home-ssh.svg',
    'a-b.svg',
    'chart.svg',
    'con.svg',
    'u-berblick.svg',
  ])
})

test('names that would be the same are told apart', () => {
  expect(names('a b', 'a-b', 'a_b')).toEqual(['a-b.svg', 'a-b--2.svg', 'a-b--3.svg'])
})

test('a chart without an SVG is left out; without a report the events tell', () => {
  const charts = report.charts.map(({ artifactId: _, ...chart }) => chart)
  expect(chartFiles({ story: untold, report: { ...report, charts } })).toEqual([])
  const story = stored([created('chart', 'Cost by model')]).reduce(tell, untold)
  expect(chartFiles({ story, report: null })).toEqual([{ name: 'cost-by-model.svg', artifactId }])
})
