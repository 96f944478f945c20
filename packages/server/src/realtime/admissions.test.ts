import { systemIdMaker } from '@holdfast/protocol'
import { describe, expect, test } from 'vitest'
import { createAdmissions, type Place } from './admissions.ts'

const makeId = systemIdMaker()
const ann = makeId('user')
const limits = { connections: 4, connectionsPerUser: 2, pendingPerAddress: 1 }
const never = (): void => {
  throw new Error('Nobody was to be superseded')
}

function placeOf(entered: Place | 'full' | 'pending'): Place {
  if (typeof entered === 'string') throw new Error(`No place: ${entered}`)
  return entered
}

describe('places', () => {
  test('as many on a node as it may have; one that leaves, even twice, makes room for one', () => {
    const admissions = createAdmissions(limits)
    const places = Array.from({ length: 4 }, () => placeOf(admissions.enter('a', true)))
    expect(admissions.enter('a', true)).toBe('full')
    places[0]?.leave()
    places[0]?.leave()
    placeOf(admissions.enter('a', true))
    expect(admissions.enter('a', true)).toBe('full')
    expect(admissions.connections).toBe(4)
  })

  test('of one address so many that are not known yet; another address is not concerned', () => {
    const admissions = createAdmissions(limits)
    const first = placeOf(admissions.enter('a', false))
    expect(admissions.enter('a', false)).toBe('pending')
    placeOf(admissions.enter('b', false))
    placeOf(admissions.enter('a', true))
    expect(first.sign(ann, '1', never)).toBe('signed')
    placeOf(admissions.enter('a', false))
  })

  test('one that leaves unsigned no longer counts for its address', () => {
    const admissions = createAdmissions(limits)
    placeOf(admissions.enter('a', false)).leave()
    placeOf(admissions.enter('a', false))
  })

  test('of one user so many, of another as many again', () => {
    const admissions = createAdmissions(limits)
    const places = Array.from({ length: 4 }, () => placeOf(admissions.enter('a', true)))
    const sign = (index: number, user = ann) => places[index]?.sign(user, String(index), never)
    expect([sign(0), sign(1), sign(2)]).toEqual(['signed', 'signed', 'crowded'])
    expect(sign(3, makeId('user'))).toBe('signed')
    places[0]?.leave()
    expect(sign(2)).toBe('signed')
  })

  test('a client that comes again takes the place of the line it gave up', () => {
    const admissions = createAdmissions(limits)
    let superseded = 0
    const sign = (instance: string, supersede = never) =>
      placeOf(admissions.enter('a', true)).sign(ann, instance, supersede)
    sign('tab', () => {
      superseded += 1
    })
    sign('other')
    expect([sign('tab'), superseded]).toEqual(['signed', 1])
    expect(sign('third')).toBe('crowded')
  })
})
