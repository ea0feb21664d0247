/** `killdeer store query` against the real engine: what a person gets, and that nothing can be changed with it. */
import { PassThrough } from 'node:stream';
import { beforeEach, expect, it } from 'vitest';
import type { StoreConfig } from '../../src/config.js';
import { EVENTS_FEED } from '../../src/store/row.js';
import type { Store } from '../../src/store/store.js';
import { type QueryOptions, queryStore } from '../../src/verbs/store-query.js';
import { createTerminal } from '../../src/verbs/terminal.js';
import { describeStore, eventLine, eventTotals, projectorParts } from './world.js';

describeStore('store query', (engine) => {
  let config: StoreConfig;
  let store: Store;

  beforeEach(async () => {
    config = engine().config();
    store = await engine().store(config);
    const parts = projectorParts(store, []);
    const items = [0, 1, 2].map((offset) => {
      const record = parts.decode(eventLine(offset), offset);
      if (!('event' in record)) throw new Error('the sample is an event');
      return { offset, value: { event: record.event, root: record.event.agent, bound: true } };
    });
    await store.insert(
      'events',
      EVENTS_FEED.rows(items, { topic: 'events', partition: 0, stored: Math.floor(Date.now() / 1000) }),
      null,
    );
  });

  async function ask(sql: string, options: QueryOptions = {}, isTTY = false): Promise<string> {
    const out = Object.assign(new PassThrough(), { isTTY, columns: 80 });
    const err = new PassThrough();
    const close = async () => undefined;
    await queryStore(createTerminal({ out, err }), { access: engine().child.access, config, close }, sql, options);
    return String(out.read() ?? '');
  }

  it('gives lines to a pipe, a table to a person, and any format that is asked for', async () => {
    const sql = 'SELECT id, agent FROM events ORDER BY id LIMIT 2;';
    expect(await ask(sql)).toBe('{"id":"e0","agent":"agent-0"}\n{"id":"e1","agent":"agent-1"}\n');
    const table = await ask(sql, {}, true);
    expect(table).toContain('agent-1');
    expect(table).toContain('2 rows');
    expect(await ask(sql, { format: 'CSVWithNames' })).toBe('"id","agent"\n"e0","agent-0"\n"e1","agent-1"\n');
    expect(await ask('SELECT 1 AS a FORMAT TSV')).toBe('1\n');
    expect(await ask('SHOW TABLES', { format: 'TSV' })).toContain('events\n');
    expect(await ask('EXPLAIN SELECT 1')).toContain('explain');
  });

  it('takes values as values', async () => {
    const hostile = "agent-1' OR 1 = 1; DROP TABLE events; -- \\ \n\t{a:String}";
    const sql = 'SELECT count() AS n, {a:String} AS a FROM events WHERE agent = {a:String}';
    expect(JSON.parse(await ask(sql, { param: [`a=${hostile}`] }))).toEqual({ n: 0, a: hostile });
    expect(JSON.parse(await ask(sql, { param: ['a=agent-1'] }))).toEqual({ n: 1, a: 'agent-1' });
    await expect(ask(sql, { param: ['a'] })).rejects.toMatchObject({ code: 'usage' });
    await expect(ask(sql, {})).rejects.toMatchObject({ code: 'store.query' });
  });

  it.each([
    'DROP TABLE events',
    'INSERT INTO events (id) VALUES (1)',
    'SELECT 1; DROP TABLE events',
    '/* SELECT */ ALTER TABLE events DELETE WHERE 1',
    '-- SELECT\nTRUNCATE TABLE events',
    'SYSTEM SHUTDOWN',
    'SET readonly = 0',
    'SELECT 1 SETTINGS readonly = 0',
    "SELECT * FROM file('/etc/passwd', 'LineAsString')",
    "SELECT * FROM `url`('http://127.0.0.1:1/', 'LineAsString')",
    "SELECT 1 INTO OUTFILE 'out'",
    'CREATE TEMPORARY TABLE a (b String)',
    'KILL QUERY WHERE 1',
  ])('does not run %s', async (sql) => {
    await expect(ask(sql)).rejects.toMatchObject({ code: 'store.query' });
    expect((await eventTotals(store)).rows).toBe(3);
  });

  it('is read-only by the engine itself too', async () => {
    await expect(store.select(`ALTER TABLE ${store.database}.events DELETE WHERE 1`)).rejects.toMatchObject({
      message: expect.stringContaining('READONLY'),
    });
    await expect(store.select(`INSERT INTO ${store.database}.events (id) SELECT '1'`)).rejects.toMatchObject({
      message: expect.stringContaining('READONLY'),
    });
    expect((await eventTotals(store)).rows).toBe(3);
  });
});
