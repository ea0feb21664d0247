/** The registry as a file: every form of it says the same, and what is wrong is named by line and member. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AGENT_COLUMNS, exportHead, exportLine, readAgentFile } from '../../src/api/agent-file.js';
import { changesOf, differencesOf, rowOf, type WholeRow } from '../../src/api/registration.js';
import { CREDENTIAL_KINDS } from '../../src/api/registration-schema.js';
import { atOnce } from '../../src/api/steps.js';
import { type Registration, type RegistryEntry, TRUST_LEVELS } from '../../src/registry/registry.js';
import { addAgent, createWorld } from './world.js';

const RUNS = { numRuns: 200, seed: 7159 };
const world = createWorld();
const name = fc.oneof(
  fc.stringMatching(/^[a-z=+@;\\' -]{1,10}$/),
  fc.constantFrom('=HYPERLINK("x")', '-1', '@sum', "'=x", 'a;b', 'ends\\', ' padded ', 'ü'),
);
const orNull = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: null });
const names = fc.uniqueArray(name, { maxLength: 3 });
const limits = orNull(names);
const moment = orNull(fc.integer({ min: 0, max: 4e12 }).map((ms) => ms - (ms % 3_600_000)));
const usd = orNull(fc.double({ min: 0, max: 1e9, noNaN: true }));
const steps = orNull(fc.nat(9));

const registration: fc.Arbitrary<Registration> = fc.record({
  technicalOwner: orNull(name),
  purpose: orNull(name),
  environment: orNull(name),
  trust: orNull(fc.constantFrom(...TRUST_LEVELS)),
  operations: limits,
  endpoints: limits,
  targets: limits,
  dataClasses: limits,
  delegation: orNull(fc.record({ depthMax: steps, breadthMax: steps, agents: limits })).map((one) =>
    one !== null && Object.values(one).every((part) => part === null) ? null : one,
  ),
  credential: orNull(
    fc.record({ kind: fc.constantFrom(...CREDENTIAL_KINDS), issuedMs: moment, expiresMs: moment, rotatedMs: moment }),
  ),
  agentVersion: orNull(name),
  reviewMs: moment,
});

const entry: fc.Arbitrary<RegistryEntry> = fc
  .record({
    agent: name,
    tenant: fc.oneof(fc.constant(''), name),
    parent: orNull(name),
    owner: orNull(name),
    role: orNull(name),
    labels: names,
    scopes: names,
    budgets: fc.record({ sessionUsd: usd, dayUsd: usd }),
    protected: fc.boolean(),
    registration,
  })
  .map((members) => addAgent(world, members.agent, members));

const read = (text: string, format: 'json' | 'csv' = 'json') => atOnce(readAgentFile(Buffer.from(text), format, 100));
const first = (text: string, format: 'json' | 'csv' = 'json') => read(text, format).rows[0]?.value;

describe('a file of agents', () => {
  it('written and read back is no change at all, in either form', () => {
    fc.assert(
      fc.property(fc.uniqueArray(entry, { maxLength: 3, selector: (one) => one.agent }), (entries) => {
        for (const format of ['json', 'csv'] as const) {
          const text = exportHead(format) + entries.map((one) => exportLine(rowOf(one), format)).join('');
          const { rows, problems } = read(text, format);
          // Patterns with a star inside are refused: none is among the names here.
          expect(problems).toEqual([]);
          expect(rows).toHaveLength(entries.length);
          for (const [place, { value }] of rows.entries()) {
            const { agent: _, tenant: __, ...wish } = value;
            const of = entries[place] as RegistryEntry;
            expect(differencesOf(changesOf(wish, of), of)).toEqual([]);
          }
        }
      }),
      RUNS,
    );
  });

  it('may leave members out, which then stay as they are', () => {
    const stands = addAgent(world, 'clerk', {
      scopes: ['a'],
      budgets: { sessionUsd: 5, dayUsd: 50 },
    });
    const { agent: _, tenant: __, ...wish } = first('agent,day_usd,delegation_depth\nclerk,60,2', 'csv') as WholeRow;
    expect(changesOf(wish, stands)).toEqual({
      budgets: { sessionUsd: 5, dayUsd: 60 },
      registration: { delegation: { depthMax: 2, breadthMax: null, agents: null } },
    });
    expect(first('{"agent":"clerk"}')).toEqual({ agent: 'clerk', tenant: '' });
  });

  it('tells an empty list from no limit', () => {
    expect(first('agent,operations,scopes\nclerk,,', 'csv')).toMatchObject({ operations: null, scopes: [] });
    expect(first('agent,operations,scopes\nclerk,;,;', 'csv')).toMatchObject({ operations: [], scopes: [] });
  });

  it.each([
    ['[\n  {"agent":"a"},\n  {"agent":"b",\n   "trust":"L9"}\n]', 3, 'trust'],
    ['{"agent":"a"}\n\n{"agent":"b","scope":["x"]}', 3, 'scope'],
    [
      '[{"agent":"a"},\n{"agent":"b","credential":{"kind":"static-key","issued":"2030-02-30"}}]',
      2,
      'credential.issued',
    ],
    ['[{"agent":"a"},\n{"agent":"a"}]', 2, 'agent'],
    ['[{"agent":"a","endpoints":["x*y"]}]', 1, 'endpoints.0'],
    ['{"agent":"a"}\n{"agent":', 2, null],
    ['[1]', 1, null],
  ])('names the line and the member: %j', (text, line, member) => {
    expect(read(text).problems[0]).toMatchObject({ line, member });
  });

  it.each([
    ['agent,scope\na,x', 1, 'scope', 'unknown column'],
    ['agent,agent\na,b', 1, 'agent', 'stands twice in the header'],
    ['agent,role\na\nb,c', 2, null, '1 cells, the header has 2'],
    ['agent,day_usd\na,much', 2, 'budgets.day_usd', 'expected number'],
    ['agent,protected\na,perhaps', 2, 'protected', 'expected boolean'],
    ['', 1, null, 'the file is empty'],
    ['tenant\nx', 2, 'agent', 'expected string'],
  ])('names the line and the column: %j', (text, line, member, message) => {
    expect(read(text, 'csv').problems[0]).toMatchObject({ line, member, message: expect.stringContaining(message) });
  });

  it('has a limit, and must be text', () => {
    expect(
      atOnce(readAgentFile(Buffer.from('{"agent":"a"}\n{"agent":"b"}'), 'json', 1)).problems[0]?.message,
    ).toContain('at most 1');
    expect(atOnce(readAgentFile(Uint8Array.of(0xff), 'json', 1)).problems[0]?.message).toBe('the file is not UTF-8');
  });

  it('has a column for every member', () => {
    expect(AGENT_COLUMNS).toHaveLength(28);
    expect(exportHead('csv').trim().split(',')).toEqual(AGENT_COLUMNS.filter((column) => column !== 'if_version'));
  });
});
