import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { buildPage, pageDirectory } from '../bin/build-page.ts'

/** What a first visit loads, compressed as the server sends it: all but charts. */
const firstLoadBytes = 220_000

beforeAll(async () => void (await buildPage()), 120_000)

/** The files that a document names, and what their modules import by name. */
async function loadedBy(document: string): Promise<readonly string[]> {
  const found = new Set<string>([document])
  const waiting = [document]
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    const text = await readFile(join(pageDirectory, file), 'utf8')
    const named = file.endsWith('.html')
      ? [...text.matchAll(/(?:src|href)="\/page\/([^"]+)"/g)].map(([, name = '']) => name)
      : [...text.matchAll(/(?:from|import)\s*["']\.\/([^"']+)["']/g)].map(([, name = '']) => `assets/${name}`)
    for (const name of named) if (!found.has(name)) waiting.push(name)
    for (const name of named) found.add(name)
  }
  return [...found]
}

test('a first visit loads no more than it should', async () => {
  const files = await loadedBy('index.html')
  // The walk has to find something, or the sum says nothing.
  expect(files.filter((file) => file.endsWith('.js')).length).toBeGreaterThan(1)
  expect(files.some((file) => file.endsWith('.css'))).toBe(true)
  const sizes = await Promise.all(
    files.map(async (file) => (await readFile(join(pageDirectory, `${file}.gz`))).length),
  )
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(firstLoadBytes)
})

test('charts come later: Vega is in a file of its own', async () => {
  const first = new Set(await loadedBy('index.html'))
  const assets = (await readdir(join(pageDirectory, 'assets'))).filter((name) => name.endsWith('.js'))
  const lazy = assets.filter((name) => !first.has(`assets/${name}`) && name.startsWith('chart-view'))
  expect(lazy).toHaveLength(1)
})

test('nothing is inline and nothing is loaded from elsewhere', async () => {
  for (const document of ['index.html', 'login.html']) {
    const text = await readFile(join(pageDirectory, document), 'utf8')
    expect(text).not.toMatch(/<script(?![^>]*\bsrc=)|\son\w+=|style=|<style|https?:\/\//)
  }
})

test('the page has no way to make HTML out of text', async () => {
  const sources = await readdir(join(import.meta.dirname, '../src'), { recursive: true })
  for (const name of sources.filter((file) => /\.tsx?$/.test(file))) {
    const text = await readFile(join(import.meta.dirname, '../src', name), 'utf8')
    expect(text, name).not.toMatch(
      /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function/,
    )
  }
})
