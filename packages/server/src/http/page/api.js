/** One request; an error of the server becomes an Error that says what it said. */
export async function call(method, path, body) {
  const isForm = body instanceof FormData
  const response = await fetch(path, {
    method,
    ...(body === undefined ? {} : { body: isForm ? body : JSON.stringify(body) }),
    headers: {
      ...(body === undefined || isForm ? {} : { 'content-type': 'application/json' }),
      // Makes a repeated click, or a retry of the browser, the same run.
      ...(path.endsWith('/runs') ? { 'idempotency-key': crypto.randomUUID() } : {}),
    },
  })
  if (response.status === 204) return null
  const answer = await response.json().catch(() => ({}))
  if (response.ok) return answer
  throw Object.assign(new Error(answer.detail ?? `The server answered ${response.status}`), {
    status: response.status,
  })
}

const retryCodes = (code) => code < 4500 && code !== 1000 && code !== 4001

/**
 * Follows one thread: every event once and in order, over dropped connections, by the one thing it remembers:
 * the place of the last event it handed on. Returns what ends it.
 */
export function follow(threadId, { onEvent, onStatus }) {
  const stream = `thread/${threadId}`
  const instance = crypto.randomUUID()
  let applied = 0
  let epoch
  let attempt = 0
  let ended = false
  let socket
  let timer

  const send = (frame) => socket.send(JSON.stringify(frame))
  const subscription = () => ({ stream, after: applied, ...(epoch === undefined ? {} : { epoch }) })
  const receive = (frame) => {
    if (frame.type === 'ready') {
      epoch ??= frame.epoch
      attempt = 0
      onStatus('Connected')
    } else if (frame.type === 'ping') send({ type: 'pong', n: frame.n })
    else if (frame.type === 'sub_err') {
      end()
      // Another log stands behind this address now: what is on the page belongs to the old one.
      if (frame.code === 'epoch_changed') location.reload()
      else onStatus('This conversation is no longer there')
    } else if (frame.type === 'ev')
      for (const event of frame.items) {
        if (event.seq === applied + 1) {
          applied = event.seq
          onEvent(event)
          // The server sends no more than 1,024 events beyond what it was told.
          if (applied % 64 === 0) send({ type: 'ack', stream, seq: applied })
        } else if (event.seq > applied + 1) {
          send({ type: 'sub', ...subscription() })
          return
        }
      }
  }
  const connect = () => {
    const mine = new WebSocket(`${location.origin.replace(/^http/, 'ws')}/v1/ws`, 'holdfast.v1')
    socket = mine
    timer = setTimeout(() => mine.close(), 10_000)
    mine.onopen = () => send({ type: 'hello', instance, subs: [subscription()] })
    mine.onmessage = ({ data }) => {
      // The server speaks at least every 30 s; silence means that the line is dead.
      clearTimeout(timer)
      timer = setTimeout(() => mine.close(), 35_000)
      if (!ended) receive(JSON.parse(data))
    }
    mine.onclose = ({ code }) => {
      clearTimeout(timer)
      if (ended) return
      if (code === 4501) return location.assign('/login')
      if (!retryCodes(code)) return onStatus(`Disconnected (${code}); reload the page`)
      onStatus('Connection lost; reconnecting…')
      timer = setTimeout(connect, Math.random() * Math.min(20_000, 500 * 2 ** attempt))
      attempt += 1
    }
  }
  const end = () => {
    ended = true
    clearTimeout(timer)
    socket.close(1000)
  }
  connect()
  return end
}
