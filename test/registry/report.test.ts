import { describe, expect, it } from 'vitest';
import type { Credential, Registration, RegistryEntry } from '../../src/registry/registry.js';
import { REPORT_DAYS, type ReportName, reportOf, type Usage } from '../../src/registry/report.js';
import { fold, register, seen } from './records.js';

const DAY_MS = 86_400_000;
const NOW_MS = 1_000 * DAY_MS;
const ago = (days: number) => NOW_MS - days * DAY_MS;

function entries(...registrations: (Partial<Registration> & { owner?: string | null; scopes?: string[] })[]) {
  const records = registrations.map(({ owner = 'ada', scopes = [], ...registration }, place) =>
    register(ago(100), `a${place}`, { owner, scopes, registration }),
  );
  return [...fold(...records).fold.entries()];
}

function report(
  name: ReportName,
  of: readonly RegistryEntry[],
  rest: { days?: number; usageOf?: (tenant: string, agent: string) => Usage | null } = {},
): string[] {
  const { days = REPORT_DAYS[name], usageOf = null } = rest;
  const rows = reportOf(name, { entries: of, hasLeft: (who) => who === 'eve', nowMs: NOW_MS, days, usageOf });
  return rows.map(({ entry, reason }) => `${entry.agent}: ${reason}`);
}

const used = (names: Partial<Usage['names']>, lastMs = ago(1)): Usage => {
  return { lastMs, names: { scopes: [], operations: [], endpoints: [], targets: [], ...names } };
};

describe('reports', () => {
  it('unregistered: whom nobody registered', () => {
    const of = [...fold(seen(ago(9), 'stranger'), register(ago(9), 'known')).fold.entries()];
    expect(report('unregistered', of)).toEqual(['stranger: seen in traffic, registered by nobody']);
  });

  it('ownerless: registered without an owner, or whose owner has left', () => {
    const of = entries({ owner: null }, { owner: 'eve' }, { technicalOwner: 'eve' }, {});
    expect(report('ownerless', of)).toEqual([
      'a0: registered without an owner',
      'a1: its owner eve has left',
      'a2: its technical owner eve has left',
    ]);
  });

  it('credentials: expired, old and static, or never rotated', () => {
    const of = (kind: Credential['kind'], issued: number | null, expires: number | null, rotated: number | null) => {
      const at = (days: number | null) => (days === null ? null : ago(days));
      return { credential: { kind, issuedMs: at(issued), expiresMs: at(expires), rotatedMs: at(rotated) } };
    };
    const all = entries(
      of('oauth-client', 10, 2, null),
      of('static-key', 400, null, null),
      of('static-key', 400, null, 100),
      of('static-key', 900, null, 400),
      of('certificate', 366, -30, null),
      of('static-key', null, null, null),
      of('workload-identity', null, null, null),
      of('static-key', 364, null, null),
      {},
    );
    expect(report('credentials', all)).toEqual([
      `a0: oauth-client expired on ${new Date(ago(2)).toISOString().slice(0, 10)}`,
      'a1: static-key never rotated in 400 days',
      'a3: static-key not rotated for 400 days',
      'a4: certificate never rotated in 366 days',
      'a5: static-key of unknown age: nobody said when it was issued',
    ]);
    expect(report('credentials', all, { days: 364 })).toContain('a7: static-key never rotated in 364 days');
  });

  it('idle: no event in the days, by history; else by the registry alone, and it says so', () => {
    const of = entries({}, {});
    const usageOf = (_: string, agent: string) => (agent === 'a0' ? used({}) : null);
    expect(report('idle', of, { usageOf })).toEqual(['a1: no event in 30 days']);
    expect(report('idle', of)[0]).toMatch(/^a0: nothing changed in the registry since \d{4}-/);
    expect(report('idle', of, { days: 101, usageOf })).toEqual([]);
  });

  it('scopes: what is allowed and was not used, with what to register instead', () => {
    const of = entries(
      { scopes: ['read', 'write'], endpoints: ['mail.*', 'db.*'], targets: null },
      { scopes: ['read'], operations: ['chat'] },
      { scopes: ['admin'], targets: ['x'] },
    );
    const usageOf = (_: string, agent: string) => {
      if (agent === 'a0') return used({ scopes: ['read'], endpoints: ['mail.send'] });
      return agent === 'a1' ? used({ scopes: ['read'], operations: ['chat'] }) : used({ scopes: null });
    };
    const facts = { entries: of, hasLeft: () => false, nowMs: NOW_MS, days: 30, usageOf };
    expect(reportOf('scopes', facts).map(({ entry, reason, fewer }) => [entry.agent, reason, fewer])).toEqual([
      ['a0', 'not used in 30 days: scopes write; endpoints db.*', { scopes: ['read'], endpoints: ['mail.*'] }],
      // More names than could be listed were used: none of the scopes may be called unused.
      ['a2', 'not used in 30 days: targets x', { targets: [] }],
    ]);
    expect(report('scopes', of)).toEqual([]);
  });

  it('reviews: due today or before', () => {
    const of = entries({ reviewMs: ago(1) }, { reviewMs: ago(-1) }, {});
    expect(report('reviews', of)).toEqual([`a0: its review was due on ${new Date(ago(1)).toISOString().slice(0, 10)}`]);
  });
});
