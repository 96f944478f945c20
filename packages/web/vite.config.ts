import { fileURLToPath } from 'node:url'
import tailwindcss from '@tailwindcss/vite'
import { defineConfig } from 'vite'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

/** Nothing inline and nothing from elsewhere: the server's policy allows neither scripts nor styles of that kind. */
export default defineConfig({
  root: here('.'),
  base: '/page/',
  plugins: [tailwindcss()],
  // Also within a test, whose NODE_ENV would give React's development build: half as large again.
  define: { 'process.env.NODE_ENV': '"production"' },
  oxc: { jsx: { runtime: 'automatic', development: false } },
  build: {
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 2_000,
    rollupOptions: {
      input: [here('index.html'), here('login.html')],
      onLog(level, log, handle) {
        // Radix marks its files for servers that render; there is none here.
        if (log.code !== 'MODULE_LEVEL_DIRECTIVE') handle(level, log)
      },
    },
  },
})
