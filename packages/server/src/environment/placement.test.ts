import { expect, test } from 'vitest'
import { placementProblems } from './placement.ts'
import { readSettings } from './settings.ts'

const problemsOf = (environment: Record<string, string>): readonly string[] =>
  placementProblems(readSettings(environment)).map(({ setting }) => setting)

test('nothing set is a place that fits', () => {
  expect(problemsOf({})).toEqual([])
})

test('half of a pair of keys is refused, and the other half is named', () => {
  expect(problemsOf({ HOLDFAST_S3_ACCESS_KEY_ID: 'a' })).toEqual(['HOLDFAST_S3_SECRET_ACCESS_KEY'])
  expect(problemsOf({ HOLDFAST_S3_SECRET_ACCESS_KEY: 'b' })).toEqual(['HOLDFAST_S3_ACCESS_KEY_ID'])
  expect(problemsOf({ HOLDFAST_S3_ACCESS_KEY_ID: 'a', HOLDFAST_S3_SECRET_ACCESS_KEY: 'b' })).toEqual([])
})

const database = { HOLDFAST_DATABASE_URL: 'postgres://localhost/db' }

test.each(['web', 'worker'])('a %s needs a database and files that other servers share', (role) => {
  expect(problemsOf({ HOLDFAST_ROLE: role })).toEqual(['HOLDFAST_ROLE'])
  expect(problemsOf({ HOLDFAST_ROLE: role, ...database })).toEqual(['HOLDFAST_FILES'])
  expect(problemsOf({ HOLDFAST_ROLE: role, ...database, HOLDFAST_FILES: '/srv/files' })).toEqual([])
})

test('one that does all needs neither', () => {
  expect(problemsOf({ HOLDFAST_ROLE: 'all' })).toEqual([])
  expect(problemsOf(database)).toEqual([])
})
