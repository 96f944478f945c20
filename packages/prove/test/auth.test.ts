import { expect, test } from 'vitest'
import { withOneChanged } from '../src/steps/auth.ts'

test('a token with one character changed says other bytes, whatever its end', () => {
  // 32 bytes end in a character of which two bits mean nothing: A and B, at the end, are the same signature.
  for (let byte = 0; byte < 256; byte += 1) {
    const good = Buffer.alloc(32, byte).toString('base64url')
    const changed = withOneChanged(good)
    expect(changed).toHaveLength(good.length)
    expect(Buffer.from(changed, 'base64url').equals(Buffer.from(good, 'base64url'))).toBe(false)
  }
})
