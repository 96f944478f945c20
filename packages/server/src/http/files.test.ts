import { FileInfo } from '@holdfast/protocol'
import { expect, test } from 'vitest'
import { openTestServer } from './test-server.test-support.ts'

test.each(['profile', 'rows'])('whoever leaves during /%s is no fault of the server', async (what) => {
  const logged: object[] = []
  await using server = await openTestServer({ logged })
  const { id } = await server.threads.create(server.principal)
  const headers = { authorization: `Bearer ${server.token}` }
  const form = new FormData()
  form.set('file', new Blob(['a,b\n', '1,2\n'.repeat(100_000)]), 'x.csv')
  const uploaded = await fetch(`${server.url}/v1/threads/${id}/files`, {
    method: 'POST',
    headers,
    body: form,
  })
  const file = FileInfo.parse(await uploaded.json())
  const leaving = new AbortController()
  const asked = fetch(`${server.url}/v1/files/${file.id}/${what}`, { headers, signal: leaving.signal })
  // A process has to start before there is an answer.
  setTimeout(() => leaving.abort(), 30)
  await expect(asked).rejects.toThrow('abort')
  // The next one who asks waits for the same process, or for one after it: what went wrong before is told by then.
  const again = await fetch(`${server.url}/v1/files/${file.id}/profile`, { headers })
  expect(again.status).toBe(200)
  expect(logged).toEqual([])
})
