import { Agent, request } from 'node:http'

// As many connections as there are requests under way: a queue here would count as the server's time.
const agent = new Agent({ keepAlive: true })

/** @throws {Error} any other status than 2xx */
export async function postJson(url: string, body: unknown, token = ''): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>()
  const text = JSON.stringify(body)
  const headers = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
  }
  const sent = request(url, { method: 'POST', agent, headers }, (response) => {
    const chunks: Buffer[] = []
    response.on('data', (chunk: Buffer) => chunks.push(chunk))
    response.on('error', reject)
    response.on('end', () => {
      const answer = Buffer.concat(chunks).toString('utf8')
      const { statusCode = 0 } = response
      if (statusCode < 200 || statusCode > 299) reject(new Error(`POST ${url}: ${statusCode} ${answer}`))
      else resolve(answer === '' ? null : JSON.parse(answer))
    })
  })
  sent.on('error', reject)
  sent.end(text)
  return promise
}
