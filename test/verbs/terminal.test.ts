import { describe, expect, it } from 'vitest';
import { bytesText, count, spanText } from '../../src/verbs/terminal.js';
import { createSaid } from './said.js';

/** Without colours, which depend on the environment. */
const plain = (text: string): string =>
  text.replaceAll(new RegExp(`${String.fromCharCode(27)}\\[[0-9;?]*[A-Za-z]`, 'g'), '');

describe('a terminal that nobody looks at', () => {
  it('has values alone on stdout and sentences on stderr', () => {
    const { terminal, out, err } = createSaid();
    terminal.say('three agents');
    terminal.emit({ agents: 3 });
    terminal.table(['agent'], [['clerk']]);
    const progress = terminal.progress(10);
    progress.update(5, 'half');
    progress.stop();
    expect(out()).toBe('{"agents":3}\n');
    expect(err()).toBe('three agents\n');
  });

  it('breaks no line', () => {
    const text = 'word '.repeat(60).trim();
    expect(createSaid().terminal.wrap(text, 20)).toEqual([text]);
  });
});

describe('a terminal that a person looks at', () => {
  it('has sentences and tables, and no values', () => {
    const { terminal, out, err } = createSaid(true);
    terminal.emit({ agents: 3 });
    terminal.say('three agents');
    terminal.table(
      ['agent', 'calls'],
      [
        ['clerk', 1200],
        ['probe', 7],
      ],
      [1],
    );
    expect(plain(out())).toBe('three agents\nagent  calls\nclerk   1200\nprobe      7\n');
    expect(err()).toBe('');
  });

  it('breaks lines between words, to its width', () => {
    const lines = createSaid(true).terminal.wrap('word '.repeat(60).trim(), 20);
    expect(lines.length).toBeGreaterThan(1);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThan(80);
    expect(lines.join(' ').split(' ')).toHaveLength(60);
  });

  it('says sentences above a bar, and takes the bar away', () => {
    const { terminal, out } = createSaid(true);
    const progress = terminal.progress(10);
    progress.update(5, 'half of it');
    terminal.say('a finding');
    progress.stop();
    terminal.say('the end');
    const text = plain(out());
    expect(text).toContain('50 %  half of it');
    expect(text).toContain('a finding\n');
    expect(text.endsWith('the end\n')).toBe(true);
  });
});

describe('numbers as a person says them', () => {
  it.each([
    [450, '450 ms'],
    [90_000, '90 s'],
    [1_800_000, '30 min'],
    [3_600_000, '1 h'],
    [5_400_000, '1 h 30 min'],
    [183_600_000, '2 d 3 h'],
  ])('%d ms is %s', (ms, text) => {
    expect(spanText(ms)).toBe(text);
  });

  it('counts and bytes', () => {
    expect(count(1_234_567.4)).toBe('1,234,567');
    expect([512, 4_100, 12_300_000, 4_500_000_000].map(bytesText)).toEqual(['512 B', '4.1 kB', '12 MB', '4.5 GB']);
  });
});
