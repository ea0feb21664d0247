/** Bringing a real database to the schema: twice, in two processes at once, and not where it must not be. */
import { expect, it } from 'vitest';
import { openConnection } from '../../src/store/connection.js';
import { migrate } from '../../src/store/migrate.js';
import { type Layout, MIGRATIONS } from '../../src/store/schema.js';
import { openStore } from '../../src/store/store.js';
import { TABLE_NAMES } from '../../src/store/tables.js';
import { describeStore, type Engine } from './world.js';

function connect(engine: Engine) {
  return openConnection(engine.child.access);
}

describeStore('the migrations', (engine) => {
  it('run once, however many start at once', async () => {
    const connection = connect(engine());
    const { database, cluster, keep } = engine().config();
    const layout: Layout = { database, cluster, keep };
    await Promise.all([migrate(connection, layout), migrate(connection, layout)]);
    expect(await migrate(connection, layout)).toEqual([]);
    const rows = await connection.select<{ name: string }>(
      'SELECT name FROM system.tables WHERE database = {database:String} ORDER BY name',
      { database },
    );
    expect(rows.map(({ name }) => name)).toEqual([...TABLE_NAMES].sort());
    await connection.close();
  });

  it('bring a database of the first release up to date, and its rows with it', async () => {
    const connection = connect(engine());
    const { database, cluster, keep } = engine().config();
    const layout: Layout = { database, cluster, keep };
    await migrate(connection, layout, MIGRATIONS.slice(0, 1));
    const before = {
      topic: 't',
      partition: 0,
      offset: 1,
      stored: Math.floor(Date.now() / 1000),
      id: 'before',
      bound: true,
    };
    const put = (row: object) => connection.insert(`${database}.events`, Object.keys(row), [row], { async_insert: 0 });
    await put(before);
    expect(await migrate(connection, layout)).toEqual([2]);
    await put({ ...before, offset: 2, id: 'after', error_type: '429' });
    const rows = await connection.select(`SELECT id, error_type FROM ${database}.events ORDER BY offset`);
    expect(rows).toEqual([
      { id: 'before', error_type: '' },
      { id: 'after', error_type: '429' },
    ]);
    await connection.close();
  });

  it('apply what is missing, and refuse a database that is newer or was made otherwise', async () => {
    const connection = connect(engine());
    const { database, cluster, keep } = engine().config();
    const layout: Layout = { database, cluster, keep };
    const version = MIGRATIONS.length + 1;
    const next = {
      version,
      name: 'more',
      statements: ({ database: of }: Layout) => [
        `CREATE TABLE IF NOT EXISTS ${of}.more (a String) ENGINE = MergeTree ORDER BY a`,
      ],
    };
    await migrate(connection, layout);
    expect(await migrate(connection, layout, [...MIGRATIONS, next])).toEqual([version]);
    await expect(migrate(connection, layout)).rejects.toMatchObject({ code: 'store.schema' });
    const changed = { ...next, statements: () => ['SELECT 1'] };
    await expect(migrate(connection, layout, [...MIGRATIONS, changed])).rejects.toMatchObject({ code: 'store.schema' });
    const spread = { ...layout, cluster: 'main' };
    await expect(migrate(connection, spread, [...MIGRATIONS, next])).rejects.toMatchObject({
      retry: expect.any(Boolean),
    });
    await connection.close();
  });

  it('follow what the configuration says is kept', async () => {
    const config = engine().config();
    const ttl = async (): Promise<string> => {
      const connection = connect(engine());
      const [row] = await connection.select<{ engine: string }>(
        "SELECT engine_full AS engine FROM system.tables WHERE database = {database:String} AND name = 'events'",
        { database: config.database },
      );
      await connection.close();
      return row.engine;
    };
    await (await openStore(config, engine().child.access)).close();
    expect(await ttl()).toContain('toIntervalSecond(7776000)');
    const shorter = { ...config, keep: { ...config.keep, events: 3_600_000 } };
    await (await openStore(shorter, engine().child.access)).close();
    expect(await ttl()).toContain('toIntervalSecond(3600)');
  });

  it('are not tried where nobody answers', async () => {
    const away = { ...engine().child.access, url: 'http://127.0.0.1:1' };
    await expect(openStore(engine().config(), away)).rejects.toMatchObject({ code: 'store.unreachable' });
    const stranger = { ...engine().child.access, password: 'wrong' };
    const refused = openStore(engine().config(), stranger);
    await expect(refused).rejects.toMatchObject({ code: 'store.unreachable' });
    await expect(refused).rejects.not.toThrow(/wrong/);
  });
});
