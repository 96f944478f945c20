// The token stands in the fragment, which no server log and no referrer ever holds; it goes into one POST.
import { call } from './api.js'

const message = document.getElementById('message')
const token = new URLSearchParams(location.hash.slice(1)).get('token')
history.replaceState(null, '', '/login')

if (token === null) {
  message.textContent = 'Open the sign-in link that the server printed in its terminal.'
} else {
  try {
    await call('POST', '/v1/session', { token })
    location.replace('/')
  } catch (error) {
    message.textContent = error.message
  }
}
