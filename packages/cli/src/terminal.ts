import type { Writable } from 'node:stream'

/**
 * Writing to standard output or error when whoever reads may go away (`holdfast ask … | head -1`). What is
 * written after that is dropped: there is nobody to tell, and the exit code still says how it went.
 */
export interface Output {
  /** Resolves when the text has been handed over, or the reader is gone. */
  write(text: string): Promise<void>
  readonly isTerminal: boolean
  /** The reader is gone. */
  isClosed(): boolean
}

const readerGone = new Set(['EPIPE', 'ERR_STREAM_DESTROYED', 'EIO'])

export function createOutput(stream: Writable & { readonly isTTY?: boolean }): Output {
  let gone = false
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (!readerGone.has(String(error.code))) throw error
    gone = true
  })
  return {
    isTerminal: stream.isTTY === true,
    isClosed: () => gone,
    write: (text) =>
      new Promise((resolve) => {
        if (gone || text === '') resolve()
        // The error itself reaches the listener above; here only the waiting ends.
        else stream.write(text, () => resolve())
      }),
  }
}

const frames = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏']
const frameMs = 80

/** Calm lines, and on a terminal one line that moves while something is under way. */
export interface Status {
  line(text: string): void
  doing(text: string): void
  /** Takes the moving line away. Safe twice. */
  stop(): void
}

export function createStatus(output: Output): Status {
  if (!output.isTerminal)
    return { line: (text) => void output.write(`${text}\n`), doing: () => undefined, stop: () => undefined }
  let moving: { readonly timer: NodeJS.Timeout } | null = null
  const clear = '\r\u001b[2K'
  const stop = (): void => {
    if (moving === null) return
    clearInterval(moving.timer)
    moving = null
    void output.write(clear)
  }
  return {
    stop,
    line(text) {
      stop()
      void output.write(`${text}\n`)
    },
    doing(text) {
      stop()
      let frame = 0
      const draw = (): void => {
        void output.write(`${clear}${frames[frame % frames.length]} ${text}`)
        frame += 1
      }
      draw()
      moving = { timer: setInterval(draw, frameMs).unref() }
    },
  }
}
