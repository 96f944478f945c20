import { expect, test } from 'vitest'
import { readCredentials } from './credentials.ts'

const read = (headers: Record<string, string>) => readCredentials(headers, 'holdfast_8080')

test('a bearer token is read whatever the case of its scheme', () => {
  expect(read({ authorization: 'bearer abc' })).toEqual({ bearer: 'abc', cookie: null })
})

test('an Authorization header that is no bearer token is a failed bearer, not none', () => {
  expect(read({ authorization: 'Basic dTpw', cookie: 'holdfast_8080=s' }).bearer).toBe('')
})

test('the cookie is found by its exact name among others', () => {
  expect(read({ cookie: 'xholdfast_8080=no; holdfast_80800=no; holdfast_8080=yes; a=b' }).cookie).toBe('yes')
  expect(read({ cookie: 'holdfast_9090=other' }).cookie).toBeNull()
})
