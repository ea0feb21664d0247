import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { parseConfig, ROLES } from '../src/config.js';
import { topicPlans } from '../src/pipeline/topics.js';
import { createTelemetry, METRICS, type MetricName } from '../src/telemetry.js';

const read = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8');
const rows = Object.entries(METRICS);

/** Cells of the table under a head, without the code marks. */
function tableOf(text: string, head: string): string[][] {
  const lines = text.split('\n');
  const start = lines.findIndex((line) => line.startsWith(head));
  if (start < 0) throw new Error(`no table ${head}`);
  const end = lines.findIndex((line, place) => place > start && !line.startsWith('|'));
  return lines.slice(start + 2, end).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}
const named = (cell: string) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name as string);
const counts = { scored: 0, late: 0, duplicates: 0, notAdmitted: 0, deadLettered: 0 };

/** Value of a sample; null: it is not told. */
async function sample(telemetry: { read(): Promise<string> }, name: string): Promise<number | null> {
  const line = (await telemetry.read()).split('\n').find((one) => one.startsWith(`${name} `));
  return line === undefined ? null : Number(line.slice(name.length + 1));
}

describe('the table of metrics', () => {
  it.each(rows)('%s has a name, a unit and words', (name, { type, help, ...more }) => {
    expect(name).toMatch(/^killdeer_[a-z]+(_[a-z]+)*$/);
    expect(name.endsWith('_total')).toBe(type === 'counter');
    expect(name).not.toMatch(/_(ms|millis|minutes|hours|days|kb|mb|kib|mib|percent|count|sum|bucket)(_|$)/);
    if (type === 'histogram') expect(name).toMatch(/_(seconds|bytes|records)$/);
    expect(help).toMatch(/^(1|[a-z]|HTTP)[^.]*$/);
    const buckets = 'buckets' in more ? more.buckets : [1];
    expect([...buckets].sort((a, b) => a - b)).toEqual(buckets);
  });

  it('labels by few values, none of which a sender chooses', () => {
    const allowed = new Set([
      'partition',
      'outcome',
      'result',
      'severity',
      'kind',
      'effect',
      'answer',
      'source',
      'code',
    ]);
    for (const label of ['route', 'status', 'table', 'version', 'part', 'state', 'connector', 'sink'])
      allowed.add(label);
    for (const [name, { labels }] of rows) {
      expect(Object.keys(labels).length, name).toBeLessThanOrEqual(2);
      for (const label of Object.keys(labels)) expect(allowed, name).toContain(label);
    }
  });

  it('is what the registry tells, and nothing else', async () => {
    const text = await createTelemetry().read();
    const told = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name, type]);
    expect(told).toEqual(rows.map(([name, { type }]) => [name, type]));
  });
});

describe('docs/operations.md', () => {
  const text = read('docs/operations.md');

  it('tells of every metric, with its type, labels and words', () => {
    const told = tableOf(text, '| metric | type |').map(([name, type, labels, says]) => ({
      name: named(name as string)[0],
      type,
      labels: named(labels as string),
      says,
    }));
    const wanted = rows.map(([name, { type, labels, help }]) => ({
      name,
      type,
      labels: Object.keys(labels),
      says: help,
    }));
    expect(told).toEqual(wanted);
  });

  it('speaks of no metric that there is not', () => {
    for (const [name] of `${text}\n${read('deploy/alerts.yaml')}`.matchAll(/killdeer_[a-z_]*[a-z]/g)) {
      expect(METRICS, name).toHaveProperty(name.replace(/_bucket$/, ''));
    }
  });

  it('tells of every topic as it is made, and of every role', () => {
    const plans = topicPlans(parseConfig({ partitions: 7 }, 'test'));
    const told = tableOf(text, '| topic | partitions |').map(([topic, partitions, kept]) => [
      named(topic as string)[0],
      partitions === '`partitions`' ? 7 : Number(partitions),
      kept,
    ]);
    const kept = (config: Readonly<Record<string, string>>) => {
      if (config['cleanup.policy'] === 'compact') return 'compacted';
      return config['retention.ms'] === '-1' ? 'for ever' : '`log.retention_age`';
    };
    expect(told).toEqual(plans.map(({ topic, partitions, config }) => [topic, partitions, kept(config)]));
    const roles = tableOf(text, '| role | does |').map(([role]) => named(role as string)[0]);
    expect(roles).toEqual([...ROLES]);
  });
});

describe('deploy/alerts.yaml', () => {
  it('has rules of one shape, about labels that the metrics have', () => {
    const { groups } = parse(read('deploy/alerts.yaml')) as { groups: { rules: { alert: string; expr: string }[] }[] };
    const rules = groups.flatMap((group) => group.rules);
    expect(rules.length).toBeGreaterThan(10);
    for (const { alert, expr } of rules) {
      expect(alert).toMatch(/^Killdeer[A-Za-z]+$/);
      const name = (/killdeer_[a-z_]*[a-z]/.exec(expr)?.[0] ?? '').replace(/_bucket$/, '') as MetricName;
      const labels = [...Object.keys(METRICS[name].labels), 'le'];
      const used = /by \(([^)]*)\)/.exec(expr)?.[1]?.split(', ') ?? [];
      for (const label of [...used, ...[...expr.matchAll(/(\w+)=~?"/g)].map(([, one]) => one)]) {
        expect(labels, alert).toContain(label);
      }
    }
  });
});

describe('telemetry', () => {
  it('counts, sets and observes', async () => {
    const telemetry = createTelemetry({ version: '1.2.3' });
    telemetry.count('killdeer_rebalances_total', {});
    telemetry.count('killdeer_transactions_total', { result: 'committed' }, 3);
    telemetry.set('killdeer_lag_records', { partition: 2 }, 17);
    telemetry.observe('killdeer_restore_seconds', {}, 12);
    expect(await sample(telemetry, 'killdeer_rebalances_total')).toBe(1);
    expect(await sample(telemetry, 'killdeer_transactions_total{result="committed"}')).toBe(3);
    expect(await sample(telemetry, 'killdeer_lag_records{partition="2"}')).toBe(17);
    expect(await sample(telemetry, 'killdeer_restore_seconds_bucket{le="10"}')).toBe(0);
    expect(await sample(telemetry, 'killdeer_restore_seconds_bucket{le="20"}')).toBe(1);
    expect(await sample(telemetry, 'killdeer_build_info{version="1.2.3"}')).toBe(1);
    expect(telemetry.contentType).toMatch(/^text\/plain/);
  });

  it('does not compile with a misspelt name, a wrong kind or a wrong label', () => {
    const telemetry = createTelemetry();
    const wrong = [
      // @ts-expect-error no such metric
      () => telemetry.count('killdeer_event_total', {}),
      // @ts-expect-error a gauge is not counted
      () => telemetry.count('killdeer_lag_records', { partition: 1 }),
      // @ts-expect-error a label is missing
      () => telemetry.count('killdeer_events_total', { partition: 1 }),
      // @ts-expect-error no such outcome
      () => telemetry.count('killdeer_events_total', { partition: 1, outcome: 'lost' }),
    ];
    expect(wrong).toHaveLength(4);
  });

  it('shares nothing between two of them', async () => {
    const [a, b] = [createTelemetry(), createTelemetry()];
    a.count('killdeer_rebalances_total', {});
    expect(await sample(b, 'killdeer_rebalances_total')).toBe(0);
  });

  it('keeps labels within their values', async () => {
    const telemetry = createTelemetry();
    const code = 'no.such-code';
    telemetry.count('killdeer_ingest_rejected_total', { source: 'crm', code });
    telemetry.count('killdeer_ingest_rejected_total', { source: 'an agent\'s "name"', code: 'event.invalid' });
    for (const partition of [-1, 64, 1.5, Number.NaN]) telemetry.set('killdeer_lag_records', { partition }, 1);
    for (let i = 0; i < 1000; i++) telemetry.count('killdeer_ingest_bytes_total', { source: `s${i}` }, 1);
    const text = await telemetry.read();
    expect(text).toContain('killdeer_ingest_rejected_total{source="crm",code="other"} 1');
    expect(text).toContain('killdeer_ingest_rejected_total{source="other",code="event.invalid"} 1');
    expect(text.match(/^killdeer_lag_records\{.*$/gm)).toEqual(['killdeer_lag_records{partition="other"} 1']);
    expect(text.match(/^killdeer_ingest_bytes_total\{.*$/gm)?.length).toBeLessThanOrEqual(101);
    expect(await sample(telemetry, 'killdeer_ingest_bytes_total{source="other"}')).toBe(1000 - 99);
  });

  it('takes counts that are kept elsewhere, also where they begin anew', async () => {
    const telemetry = createTelemetry();
    const tell = (value: number) => telemetry.total('killdeer_ingest_bytes_total', { source: 'crm' }, value);
    for (const value of [10, 10, 25, 5]) tell(value);
    telemetry.total('killdeer_ingest_bytes_total', { source: 'other-crm' }, 7);
    expect(await sample(telemetry, 'killdeer_ingest_bytes_total{source="crm"}')).toBe(30);
    expect(await sample(telemetry, 'killdeer_ingest_bytes_total{source="other-crm"}')).toBe(7);
  });

  it('reads what ages by itself at the moment of reading', async () => {
    const telemetry = createTelemetry();
    let age = 1;
    telemetry.beforeRead(() => telemetry.set('killdeer_registry_staleness_seconds', {}, age));
    expect(await sample(telemetry, 'killdeer_registry_staleness_seconds')).toBe(1);
    age = 2;
    expect(await sample(telemetry, 'killdeer_registry_staleness_seconds')).toBe(2);
  });

  it('has the basics of the process where they are wanted', async () => {
    expect(await createTelemetry().read()).not.toContain('process_');
    const text = await createTelemetry({ basics: true }).read();
    for (const name of [
      'process_resident_memory_bytes',
      'nodejs_eventloop_lag_seconds',
      'nodejs_heap_size_used_bytes',
    ]) {
      expect(text).toContain(`\n${name} `);
    }
  });
});

describe('the progress of a partition', () => {
  const outcome = (name: string, partition = 3) => `killdeer_events_total{partition="${partition}",outcome="${name}"}`;

  it('begins where it was taken over, and tells each event once', async () => {
    const telemetry = createTelemetry();
    telemetry.observeProgress(3, { ...counts, scored: 1_000_000, late: 50 });
    expect(await sample(telemetry, outcome('scored'))).toBeNull();
    const next = { scored: 1_000_010, late: 54, duplicates: 2, notAdmitted: 1, deadLettered: 3 };
    telemetry.observeProgress(3, next);
    telemetry.observeProgress(3, next);
    const told = await Promise.all(
      ['scored', 'late', 'duplicate', 'not_admitted', 'dead_lettered'].map((name) => sample(telemetry, outcome(name))),
    );
    expect(told).toEqual([6, 4, 2, 1, 3]);
  });

  it('does not tell again what is executed again after a crash', async () => {
    const telemetry = createTelemetry();
    for (const scored of [0, 100, 40, 80, 110]) telemetry.observeProgress(3, { ...counts, scored });
    expect(await sample(telemetry, outcome('scored'))).toBe(110);
  });

  it('ends with the ownership: gauges go, what others execute is not told', async () => {
    const telemetry = createTelemetry();
    telemetry.observeProgress(3, counts);
    telemetry.observeProgress(3, { ...counts, scored: 5 });
    telemetry.set('killdeer_lag_seconds', { partition: 3 }, 9);
    telemetry.set('killdeer_lag_seconds', { partition: 4 }, 1);
    telemetry.forgetPartition(3);
    expect(await sample(telemetry, 'killdeer_lag_seconds{partition="3"}')).toBeNull();
    expect(await sample(telemetry, 'killdeer_lag_seconds{partition="4"}')).toBe(1);
    telemetry.observeProgress(3, { ...counts, scored: 900 });
    telemetry.observeProgress(3, { ...counts, scored: 901 });
    expect(await sample(telemetry, outcome('scored'))).toBe(6);
  });
});
