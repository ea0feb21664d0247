import { PassThrough } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { confirm } from '../../src/verbs/confirm.js';

function asked(said: string, isTTY: boolean) {
  const input = Object.assign(new PassThrough(), { isTTY });
  const output = new PassThrough();
  input.end(said);
  return { input, output };
}

describe('a question before something is done', () => {
  it.each(['y\n', 'Yes\n', ' YES \n'])('takes %j for yes', async (said) => {
    const streams = asked(said, true);
    await confirm('Go on?', false, streams);
    expect(String(streams.output.read())).toContain('Go on? [y/N]');
  });

  it.each(['n\n', '\n', 'yesterday\n', ''])('takes %j for no', async (said) => {
    await expect(confirm('Go on?', false, asked(said, true))).rejects.toMatchObject({
      code: 'usage',
      message: 'nothing was done',
    });
  });

  it('is not asked where it was answered before, and cannot be where nobody is', async () => {
    await confirm('Go on?', true, asked('', false));
    await expect(confirm('Go on?', false, asked('y\n', false))).rejects.toThrow('add --yes');
  });
});
