import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runProgram } from '../../src/verbs/program.js';
import { protoOf } from '../event/otlp-messages.js';
import { wire } from '../event/wire.js';
import { createSaid, linesOf } from './said.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'killdeer-decode-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function decode(sample: string | Uint8Array, words: readonly string[] = [], rich = false) {
  const file = join(folder, 'sample');
  writeFileSync(file, sample);
  return await run([file, ...words], rich);
}

async function run(words: readonly string[], rich = false) {
  const said = createSaid(rich);
  const code = await runProgram(['decode', ...words], said.terminal);
  // Colours depend on where the tests run.
  return { code, out: stripVTControlCharacters(said.out()), err: said.err(), values: () => linesOf(said.out()) };
}

function golden(name: string): unknown {
  return JSON.parse(readFileSync(new URL(`../event/golden/${name}.json`, import.meta.url), 'utf8')).value;
}

describe('killdeer decode', () => {
  it('says of each line what becomes of it, priced, and counts', async () => {
    const sample = [wire({ cost_usd: null, model: 'gpt-4o' }), '', 'junk', wire({ id: 'e2', agent: '' })].join('\n');
    const { code, values } = await decode(sample);
    expect(code).toBe(1);
    expect(values()).toEqual([
      {
        type: 'event',
        record: 1,
        item: 1,
        event: expect.objectContaining({ id: 'fleet:0000000', time: '2025-06-02T00:00:50.487Z', input_tokens: 1353 }),
      },
      { type: 'rejected', record: 3, item: 1, code: 'event.bad-json', reason: 'line is not JSON: junk' },
      { type: 'rejected', record: 4, item: 1, code: 'event.invalid', reason: expect.stringContaining('agent') },
      {
        ...{ type: 'summary', format: 'native', guessed: true, events: 1, rejected: 2, skipped: 0 },
        rejections: { 'event.bad-json': 1, 'event.invalid': 1 },
      },
    ]);
    const { event } = values()[0] as { event: Record<string, unknown> };
    expect(event['cost_usd']).toBeGreaterThan(0);
    expect(event).not.toHaveProperty('target');
  });

  it('ends with 0 where nothing was rejected; what is skipped is told, and no failure', async () => {
    const { code, values } = await decode(JSON.stringify(golden('otlp-http'), null, 2));
    expect(code).toBe(0);
    expect(values().map(({ type }) => type)).toEqual(['event', 'event', 'skipped', 'skipped', 'skipped', 'summary']);
    expect(values().at(-1)).toMatchObject({ format: 'otlp_json', guessed: true, events: 2, skipped: 3 });
  });

  it('reads what is compressed, and protobuf', async () => {
    const bytes = protoOf(golden('otlp-operations') as object);
    const { code, values } = await decode(gzipSync(bytes));
    expect(code).toBe(0);
    expect(values().at(-1)).toMatchObject({ format: 'otlp_proto', events: 10 });
  });

  it('takes format, content type, headers and tenant from the command line', async () => {
    const data = JSON.stringify({ operation: 'chat', endpoint: 'm' });
    const headers = ['ce_specversion=1.0', 'ce_id=1', 'ce_source=s', 'ce_type=t', 'CE_time=2025-06-02T12:00:00Z'];
    const words = [...headers.flatMap((header) => ['--header', header]), '--tenant', 'acme'];
    const { code, values } = await decode(data, words);
    expect(code).toBe(0);
    expect(values()[0]).toMatchObject({ event: { agent: 's', tenant: 'acme' } });
    expect(values()[1]).toMatchObject({ format: 'cloudevents' });
    const batch = JSON.stringify(golden('cloudevents-batch'));
    const typed = await decode(batch, ['--content-type', 'application/cloudevents-batch+json']);
    expect(typed.values().at(-1)).toMatchObject({ format: 'cloudevents', events: 2, rejected: 15 });
    const named = await decode(wire(), ['--format', 'cloudtrail']);
    expect(named.values()).toMatchObject([{ reason: 'eventSource is missing' }, { guessed: false }]);
  });

  it('is the same for one document over many lines and for one a line', async () => {
    const trail = golden('cloudtrail-records') as { Records: object[] };
    const events = (values: Record<string, unknown>[]) => values.flatMap(({ event }) => (event ? [event] : []));
    const pretty = await decode(JSON.stringify(trail, null, 2));
    const lines = await decode(trail.Records.map((entry) => JSON.stringify(entry)).join('\n'));
    expect(events(pretty.values())).toHaveLength(5);
    expect(events(lines.values())).toEqual(events(pretty.values()));
    expect(lines.values()[1]).toMatchObject({ record: 2, item: 1 });
    expect(pretty.values()[1]).toMatchObject({ record: 1, item: 2 });
  });

  it('makes a table for a person, and JSON Lines where asked', async () => {
    const sample = [wire(), 'junk'].join('\n');
    const { out, code } = await decode(sample, [], true);
    expect(code).toBe(1);
    expect(out).toContain('taken for native');
    expect(out).toMatch(/1\.1 +event +id=fleet:0000000 time=2025-06-02T00:00:50\.487Z agent=agent-27/);
    expect(out).toMatch(/2\.1 +rejected +event\.bad-json: line is not JSON: junk/);
    expect(out).toContain('1 events, 1 rejected, 0 skipped');
    const json = await decode(sample, ['--json'], true);
    expect(json.values().map(({ type }) => type)).toEqual(['event', 'rejected', 'summary']);
  });

  it('shows a person a part of a long sample and says how much more there is', async () => {
    const { out } = await decode(Array.from({ length: 250 }, (_, i) => wire({ id: `e${i}` })).join('\n'), [], true);
    expect(out).toContain('and 50 more (--json)');
    expect(out).toContain('250 events');
  });

  it('ends with 2 for wrong words and with 1 for what cannot be read', async () => {
    expect(await decode('', ['--format', 'xml'])).toMatchObject({ code: 2, err: expect.stringContaining('xml') });
    expect(await decode('', ['--header', 'x'])).toMatchObject({ code: 2, err: expect.stringContaining('--header x') });
    expect(await run([join(folder, 'none')])).toMatchObject({ code: 1, err: expect.stringContaining('none') });
    const cut = gzipSync(wire()).subarray(0, 40);
    expect(await decode(cut)).toMatchObject({ code: 1, err: expect.stringContaining('unpacked') });
  });

  it('never fails on a golden case', async () => {
    for (const name of readdirSync(new URL('../event/golden/', import.meta.url))) {
      if (!name.endsWith('.jsonl')) {
        const { values } = await decode(JSON.stringify(golden(name.slice(0, -5)) ?? null));
        expect(values().at(-1)).toMatchObject({ type: 'summary' });
      }
    }
  });
});
