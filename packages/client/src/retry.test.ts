import { expect, test } from 'vitest'
import { HoldfastNetworkError } from './errors.ts'
import { retrying } from './retry.ts'

test('the signal ends the repetition with its reason, not with what was about to be repeated', async () => {
  const abort = new AbortController()
  const repeated = retrying(
    async () => {
      abort.abort(new Error('enough'))
      throw new HoldfastNetworkError(new TypeError('fetch failed'))
    },
    { signal: abort.signal, random: () => 0 },
  )
  await expect(repeated).rejects.toThrow('enough')
})
