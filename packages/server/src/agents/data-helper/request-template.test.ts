import { describe, expect, test } from 'vitest'
import { requestItems } from './data-request.ts'
import { mapFile } from './field-mapping.ts'
import { playbooks } from './playbooks/playbooks.ts'
import { templateOf } from './request-template.ts'
import { checkSufficiency } from './sufficiency.ts'
import { openFiles } from './testing/open-files.ts'

describe('a template, filled as its sample shows, is what was asked for', () => {
  test.each(playbooks.map(({ id }) => id))('%s', async (id) => {
    await using files = await openFiles()
    const playbook = playbooks.find((candidate) => candidate.id === id)
    if (playbook === undefined) throw new Error('no playbook')
    const empty = checkSufficiency(playbook, [])
    const items = requestItems(playbook, empty)
    const template = templateOf(playbook, empty, items.length === 0 ? [{ field: 'file' }] : items)
    // As whoever fills it would: a row a request over two months, some of which failed.
    const cellOf = (name: string, sample: string, row: number): string => {
      if (name === 'time') return new Date(Date.UTC(2026, 7, 1) + row * 17_173_188).toISOString()
      return name === 'status' && row % 10 === 0 ? '500' : sample
    }
    const rows = Array.from({ length: 300 }, (_, row) =>
      template.map(({ name, sample }) => cellOf(name, sample, row)),
    )
    const content = [template.map(({ name }) => name), ...rows].map((cells) => cells.join(',')).join('\n')
    const profile = await files.profile('filled.csv', content)
    const { missing, question } = checkSufficiency(playbook, [mapFile(profile, new Map())])
    expect({ missing: missing.map(({ need }) => need.anyOf), question }).toEqual({
      missing: [],
      question: null,
    })
  })
})
