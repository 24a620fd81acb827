import assert from 'node:assert/strict'
import { afterEach, beforeEach, describe, mock, test } from 'node:test'
import { worldWithTerminal } from '../testing/fake-terminal.ts'
import { WatchedWorld } from '../testing/watched-world.ts'
import { Output } from './output.ts'

const ESCAPE = '\u001b'

describe('output', () => {
  const kept = process.env
  beforeEach(() => {
    process.env = { TERM: 'xterm' }
  })
  afterEach(() => {
    mock.timers.reset()
    process.env = kept
  })

  test('has colours on a terminal, unless somebody wants none', () => {
    const output = new Output(worldWithTerminal(''))
    assert.ok(output.styled('good', 'yes').includes(ESCAPE))
    assert.ok(output.toldStyled('bad', 'no').includes(ESCAPE))
    process.env.NO_COLOR = '1'
    assert.equal(output.styled('good', 'yes') + output.toldStyled('bad', 'no'), 'yesno')
  })

  test('has none elsewhere, and nothing that moves', async () => {
    mock.timers.enable({ apis: ['setInterval'] })
    const watched = new WatchedWorld()
    const output = new Output(watched.world)
    const { promise, resolve } = Promise.withResolvers<void>()
    const waiting = output.during('reading', promise)
    mock.timers.tick(5000)
    output.print(`${output.styled('good', 'yes')}\n`)
    resolve()
    await waiting
    assert.equal(watched.shown, 'yes\n')
  })

  test('says on a terminal what takes over a second, and makes way for what is printed', async () => {
    mock.timers.enable({ apis: ['setInterval'] })
    const world = { ...worldWithTerminal(''), clock: () => now }
    let now = 0
    const output = new Output(world)
    const { promise, resolve } = Promise.withResolvers<void>()
    const waiting = output.during('reading', promise)
    now = 999
    mock.timers.tick(999)
    assert.equal(world.shown(), '')
    now = 2000
    mock.timers.tick(1)
    output.print('row\n')
    resolve()
    await waiting
    const erased = `\r${ESCAPE}[K`
    assert.equal(world.shown(), `reading, 2 s …${erased}row\nreading, 2 s …${erased}`)
  })

  test('says on a terminal at once what nothing can be drawn during, how far it is, and no more of it afterwards', () => {
    const world = worldWithTerminal('')
    const output = new Output(world)
    const told = output.whileBusy('checking', (far) => {
      far('10 entries')
      return 'whole'
    })
    assert.equal(told, 'whole')
    assert.throws(() =>
      output.whileBusy('planning', () => {
        throw new Error('not today')
      }),
    )
    const erased = `\r${ESCAPE}[K`
    assert.equal(world.shown(), `checking …${erased}checking, 10 entries …${erased}planning …${erased}`)
    const watched = new WatchedWorld()
    assert.equal(
      new Output(watched.world).whileBusy('checking', (far) => far('10 entries')),
      undefined,
    )
    assert.equal(watched.shown, '')
  })

  test('breaks tables for a terminal, and for nobody else', () => {
    const rows = [['lake', 'word '.repeat(40).trimEnd()]]
    const lines = (output: Output) => output.table(rows).split('\n').length - 1
    assert.equal(lines(new Output(worldWithTerminal(''))), 2)
    assert.equal(lines(new Output(new WatchedWorld().world)), 1)
  })
})
