/** Signing in by link: the token stands in the fragment, which no server log and no referrer ever holds. */
const message = document.getElementById('message')
const token = new URLSearchParams(location.hash.slice(1)).get('token')
history.replaceState(null, '', '/login')

const say = (text: string): void => {
  if (message !== null) message.textContent = text
}

async function signIn(secret: string): Promise<void> {
  say('Signing in…')
  const response = await fetch('/v1/session', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token: secret }),
  })
  if (response.ok) return location.replace('/')
  const problem: unknown = await response.json().catch(() => null)
  const detail =
    typeof problem === 'object' && problem !== null && 'detail' in problem ? problem.detail : null
  say(typeof detail === 'string' ? detail : `The server answered ${response.status}; try the link again`)
}

if (token !== null)
  signIn(token).catch(() =>
    say('The server cannot be reached; is it still running? Then open the link again'),
  )
