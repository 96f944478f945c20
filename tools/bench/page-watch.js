// Runs in the page, before the page's own scripts; `awaited` is a text that is put in front of this file.
// When that text appeared, and what the frames cost that show deltas: from their first script to after their picture.
globalThis.pageWatch = (() => {
  const frames = []
  let shown
  let picture
  const look = () => {
    if (shown !== undefined || document.body === null || !document.body.innerText.includes(awaited)) return
    picture = new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)))
    shown = picture.then(() => performance.now())
  }
  new MutationObserver(look).observe(document, { childList: true, subtree: true, characterData: true })
  globalThis.WebSocket = class extends WebSocket {
    constructor(...args) {
      super(...args)
      this.addEventListener('message', ({ data }) => {
        if (!String(data).includes('"message_delta"')) return
        requestAnimationFrame(() => {
          const began = performance.now()
          const { port1, port2 } = new MessageChannel()
          port1.onmessage = () => frames.push(performance.now() - began)
          port2.postMessage(null)
        })
      })
    }
  }
  return {
    frames,
    shownAt: () => shown,
    reset: () => {
      frames.length = 0
    },
  }
})()
