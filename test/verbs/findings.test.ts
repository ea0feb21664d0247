/** The verbs about findings and cases, against a server with a real board and registry. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runProgram } from '../../src/verbs/program.js';
import { createTriageWorld, minutesAgo, type TriageWorld } from '../api/triage-world.js';
import { policy, wish } from '../registry/records.js';
import { createSaid, linesOf } from './said.js';

let triage: TriageWorld;
let address: string;

beforeEach(async () => {
  triage = await createTriageWorld();
  address = await triage.world.app.listen({ host: '127.0.0.1', port: 0 });
  triage.raise('f-1', { time: minutesAgo(9) });
  triage.raise('f-2', { time: minutesAgo(8), severity: 'critical', title: 'clerk sends \u001b[31m40 GB\u202e out' });
  triage.raise('f-3', { time: minutesAgo(7), tenant: 'acme', agent: 'lone', root: 'lone', severity: 'low' });
});
afterEach(() => triage.close());

async function run(words: string[], rich = false, token = 'responder') {
  const said = createSaid(rich);
  const code = await runProgram([...words, '--address', address, '--token', token], said.terminal);
  return { code, err: said.err(), out: said.out(), values: rich ? [] : linesOf(said.out()) };
}
const idsOf = async (...words: string[]) => (await run(['findings', ...words])).values.map(({ id }) => id);

describe('killdeer findings', () => {
  it('lists, filters and sorts', async () => {
    expect(await idsOf()).toEqual(['f-3', 'f-2', 'f-1']);
    expect(await idsOf('--severity', 'high', '--sort', 'severity')).toEqual(['f-2', 'f-1']);
    expect(await idsOf('--agent', 'lone', '--status', 'new,closed')).toEqual(['f-3']);
    expect(await idsOf('--tenant', 'acme', '--kind', 'retry-loop')).toEqual(['f-3']);
    expect(await idsOf('--search', '40 gb', '--limit', '1')).toEqual(['f-2']);
    expect(await idsOf('--mine')).toEqual([]);
    expect((await run(['findings', '--limit', '2'])).err).toBe('2 of 3 findings\n');
    for (const wrong of [
      ['--severity', 'loud'],
      ['--sort', 'title'],
      ['--limit', '0'],
    ]) {
      expect((await run(['findings', ...wrong])).code).toBe(2);
    }
    expect((await run(['findings', '--status', 'gone'])).err).toContain('api.invalid');
  });

  it('shows one as a person reads it, and nothing in it acts on the terminal', async () => {
    await triage.write(policy('enforce'));
    const proposal = wish('clerk', 'suspend', { finding: 'f-2' });
    await triage.write({ type: 'proposal', actor: 'engine:0', authority: 'p', proposal });
    const { out } = await run(['findings', 'show', 'f-2'], true);
    for (const words of [
      ...['critical', 'clerk sends', '40 GB', "f-2, new, nobody's, in case c-1", 'risk 80', 'hardly any ordinary day'],
      ...['the agent was stopped; it is suspended until', 'failed calls a minute', '120', 'raised', 'stopped'],
    ]) {
      expect(out).toContain(words);
    }
    for (const acts of ['\u001b[31m40', '\u202e']) expect(out).not.toContain(acts);
    const { values } = await run(['findings', 'show', 'f-2']);
    expect(values).toMatchObject([
      { id: 'f-2', done: { outcome: 'in-force' }, timeline: [{ what: 'raised' }, { what: 'stopped' }] },
    ]);
    expect(await run(['findings', 'show', 'f-9'])).toMatchObject({
      code: 1,
      err: expect.stringContaining('api.not-found'),
    });
  });

  it('assigns, comments, closes and opens again', async () => {
    expect(await run(['findings', 'assign', 'f-1', 'f-2'])).toMatchObject({ code: 0, err: 'f-1, f-2: assigned\n' });
    expect(await idsOf('--mine')).toEqual(['f-2', 'f-1']);
    await run(['findings', 'assign', 'f-1', '--to', 'ada']);
    await run(['findings', 'assign', 'f-2', '--nobody']);
    expect(triage.board.get('f-1')?.assignee).toBe('ada');
    expect(triage.board.get('f-2')?.assignee).toBeNull();
    await run(['findings', 'comment', 'f-1', 'asked the owner']);
    const closed = await run(['findings', 'close', 'f-1', 'f-2', '--as', 'duplicate', '--comment', 'one deploy']);
    expect(closed).toMatchObject({ code: 0, values: [{ effect: 'applied', findings: ['f-1', 'f-2'] }] });
    expect(triage.board.get('f-1')).toMatchObject({ status: 'closed', resolution: 'duplicate', comments: 2 });
    await run(['findings', 'reopen', 'f-1']);
    expect(triage.board.get('f-1')).toMatchObject({ status: 'in-progress', resolution: null });
    expect(await run(['findings', 'close', 'f-1', '--as', 'boring'])).toMatchObject({ code: 2 });
    expect(await run(['findings', 'close', 'f-1'])).toMatchObject({ code: 2 });
    expect(await run(['findings', 'comment', 'f-1', 'x'], false, 'viewer')).toMatchObject({ code: 1 });
  });
});

describe('killdeer cases', () => {
  it('lists them, and shows one with its findings', async () => {
    expect((await run(['cases'])).values).toMatchObject([{ id: 'c-3' }, { id: 'c-1', findings: 2, open: 2 }]);
    expect((await run(['cases', '--severity', 'critical'])).values).toMatchObject([{ id: 'c-1' }]);
    expect((await run(['cases'], true)).out).toContain('2 of 2 cases');
    const { out } = await run(['cases', 'show', 'c-1'], true);
    for (const words of ['c-1, new, 2 of 2 findings open', 'one tree of agents', 'f-1', 'f-2'])
      expect(out).toContain(words);
    expect((await run(['cases', 'show', 'c-1'])).values).toMatchObject([{ id: 'c-1', finding_ids: ['f-1', 'f-2'] }]);
  });
});
