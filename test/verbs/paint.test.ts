import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ACTING } from '../../src/render/inert.js';
import { createPalette } from '../../src/verbs/paint.js';
import { HOSTILE } from '../render/states.js';
import { createSaid } from './said.js';

const RED = '\u001b[31m';
const END = '\u001b[39m';

/** But for the ends of lines. */
function acting(text: string): string[] {
  return [...text].filter((character) => {
    const point = character.codePointAt(0) as number;
    return character !== '\n' && ACTING.some(({ from, to }) => point >= from && point <= to);
  });
}

describe('colours', () => {
  it('of our own pass, and those that stand in a text do not', () => {
    const { paint, shown, part } = createPalette(true);
    expect(shown(paint.red('stopped'))).toBe(`${RED}stopped${END}`);
    expect(shown(paint.red(`${RED}name${END}`))).toBe(`${RED}\\u001b[31mname\\u001b[39m${END}`);
    expect(part(paint.bold(paint.red('x\ny')))).toBe(`\u001b[1m${RED}x\\u000ay${END}\u001b[22m`);
    expect(shown(paint.dim(''))).toBe('\u001b[2m\u001b[22m');
  });

  it('of another terminal are text', () => {
    expect(acting(createPalette(true).shown(createPalette(true).paint.red('x')))).toEqual([]);
  });

  it('are not there where none are wanted', () => {
    const { paint, shown } = createPalette(false);
    expect(shown(paint.red('plain'))).toBe('plain');
  });
});

describe('a text for a person', () => {
  it.each(HOSTILE)('holds nothing that acts: %j', (text) => {
    const { paint, shown, part } = createPalette(true);
    const plain = shown(paint.red(text)).replaceAll(RED, '').replaceAll(END, '');
    expect(acting(plain)).toEqual([]);
    expect(acting(part(text))).toEqual([]);
    expect(part(text)).not.toContain('\n');
  });

  it('whatever it is, and lines stay lines', () => {
    const { shown } = createPalette(true);
    expect(shown('a\r\nb\nc\rd')).toBe('a\nb\nc\\u000dd');
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(acting(shown(text))).toEqual([]);
      }),
    );
  });
});

describe('a terminal', () => {
  it.each([true, false])('lets nothing through that acts, by whichever way it is said; looked at: %s', (rich) => {
    const said = createSaid(rich);
    for (const text of HOSTILE) {
      said.terminal.say(text);
      said.terminal.complain(`${text}\n`);
      said.terminal.table([text], [[text, 1, null]]);
      said.terminal.emit({ [text]: text });
      if (rich) said.terminal.print(text);
    }
    expect(acting(said.out() + said.err())).toEqual([]);
  });

  it('lays out a table with its own colours, and with those of nobody else', () => {
    const said = createSaid(true, true);
    const { paint } = said.terminal;
    said.terminal.table(
      ['agent', 'state'],
      [
        [`${RED}clerk${END}`, paint.green('ok')],
        [['two', 'lines'], paint.dim('none')],
      ],
    );
    const plain = said.out().replaceAll(new RegExp(`${'\u001b'}\\[\\d+m`, 'g'), '');
    expect(plain.split('\n').map((line) => line.trimEnd().replaceAll(/ +/g, ' '))).toEqual([
      'agent state',
      '\\u001b[31mclerk\\u001b[39m ok',
      'two none',
      'lines',
      '',
    ]);
    expect(said.out()).toContain('\u001b[32mok\u001b[39m');
  });

  it('keeps a row a row', () => {
    const said = createSaid(true);
    said.terminal.table(['agent'], [['clerk\nadmin']]);
    expect(said.out().trimEnd().split('\n')).toHaveLength(2);
  });

  it('gives a pipe what was to be given, to the byte and to the value', () => {
    const said = createSaid(false);
    said.terminal.print('a\u202eb\r\n');
    expect(said.out()).toBe('a\u202eb\r\n');
    const values = createSaid(false);
    values.terminal.emit(HOSTILE);
    expect(JSON.parse(values.out())).toEqual(HOSTILE);
  });
});
