/** What owners are told beside restrictions. */
import { expect, it } from 'vitest';
import { noticeOfWish, noticesOf } from '../../src/connect/notice.js';
import { WishBook } from '../../src/connect/wish-book.js';
import type { OnLeave } from '../../src/decide/policy.js';
import { createFold } from '../../src/registry/fold.js';
import { BOB, policy, register } from '../registry/records.js';

function noticesAfter(onLeave: OnLeave, successor: string | null) {
  const left = { type: 'sponsor', timeMs: 2, owner: 'eve', state: 'left', successor, ...BOB } as const;
  const fold = createFold();
  const book = new WishBook();
  const records = [policy('enforce', {}, { sponsors: { onLeave } }), register(1, 'clerk', { owner: 'eve' }), left];
  const changes = records.map((record, offset) => ({ offset, record, verdict: fold.apply(record) }));
  return changes.flatMap((change) => {
    const wishes = book.note(change).map((wish) => noticeOfWish(wish, book));
    return [...wishes, ...noticesOf(change, book)];
  });
}

it('tells whoever takes an agent over that it is theirs', () => {
  expect(noticesAfter('reassign', 'bob')).toMatchObject([
    { key: 'owner//clerk/2', owner: 'bob', agent: 'clerk', type: 'agent.owner', timeMs: 2 },
  ]);
  expect(noticesAfter('reassign', 'bob')[0]?.text).toBe(
    [
      'You answer for the agent clerk from now on.',
      'Why: eve, who did so before, has left.',
      'What to do: nothing, if that is right. If not, tell your operators, who can name somebody else.',
    ].join('\n'),
  );
});

it('tells of an agent that was stopped because its owner left, and of nothing where nothing follows', () => {
  expect(noticesAfter('suspend', null)).toMatchObject([{ owner: 'eve', type: 'agent.suspended' }]);
  expect(noticesAfter('suspend', null)[0]?.text).toContain('An automatic rule decided this.');
  expect(noticesAfter('nothing', null)).toEqual([]);
});
