/** The tables as DDL: what a cluster gets, letter by letter, and that a released migration stays what it is. */
import { describe, expect, it } from 'vitest';
import { checksum, createDatabase, createTable, type Layout, MIGRATIONS } from '../../src/store/schema.js';
import { type Column, columnNames, TABLE_NAMES, TABLES } from '../../src/store/tables.js';

const keep = { events: 86_400_000, findings: 90_061_500, decisions: 172_800_000, minutes: 259_200_000 };
const ALONE: Layout = { database: 'killdeer', cluster: null, keep };
const SPREAD: Layout = { ...ALONE, cluster: 'main' };

describe('the schema', () => {
  it('has the migrations that were released', () => {
    expect(
      MIGRATIONS.map((migration) => [migration.version, migration.name, checksum(migration)]),
    ).toMatchInlineSnapshot(`
      [
        [
          1,
          "tables",
          "4c8aa83a934fec9ae3418d7d5574f56f",
        ],
        [
          2,
          "types of failures",
          "f4afd201c33943c74838e23e4abff9cd",
        ],
      ]
    `);
  });

  it('spreads over a cluster by the partition of the log', () => {
    expect([createDatabase(SPREAD), ...createTable(TABLES.gaps, SPREAD)].join('\n\n')).toMatchInlineSnapshot(`
      "CREATE DATABASE IF NOT EXISTS killdeer ON CLUSTER main

      CREATE TABLE IF NOT EXISTS killdeer.gaps_local ON CLUSTER main (
        topic LowCardinality(String),
        partition UInt16,
        kind LowCardinality(String),
        first UInt64,
        next UInt64,
        records UInt64,
        reason String,
        stored DateTime('UTC')
      ) ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/{database}/gaps', '{replica}', stored)
      ORDER BY (topic, partition, kind, first, next)
      TTL stored + toIntervalSecond(172800)
      SETTINGS fsync_after_insert = 1, fsync_part_directory = 1

      CREATE TABLE IF NOT EXISTS killdeer.gaps ON CLUSTER main AS killdeer.gaps_local
      ENGINE = Distributed(main, killdeer, gaps_local, partition)"
    `);
    expect(createTable(TABLES.minutes, SPREAD).join('\n\n')).toMatchInlineSnapshot(`
      "CREATE TABLE IF NOT EXISTS killdeer.minutes_local ON CLUSTER main (
        topic LowCardinality(String),
        partition UInt16,
        upto SimpleAggregateFunction(max, UInt64),
        stored SimpleAggregateFunction(max, DateTime('UTC')),
        tenant LowCardinality(String),
        root String,
        minute DateTime('UTC'),
        events SimpleAggregateFunction(sum, UInt64),
        errors SimpleAggregateFunction(sum, UInt64),
        denied SimpleAggregateFunction(sum, UInt64),
        input_tokens SimpleAggregateFunction(sum, Float64),
        output_tokens SimpleAggregateFunction(sum, Float64),
        cost_usd SimpleAggregateFunction(sum, Float64),
        bytes_out SimpleAggregateFunction(sum, Float64),
        endpoints SimpleAggregateFunction(groupUniqArrayArray, Array(UInt32)),
        targets SimpleAggregateFunction(groupUniqArrayArray, Array(UInt32)),
        PROJECTION positions (SELECT topic, partition, count(), max(upto), max(stored) GROUP BY topic, partition)
      ) ENGINE = ReplicatedAggregatingMergeTree('/clickhouse/tables/{shard}/{database}/minutes', '{replica}')
      ORDER BY (tenant, root, minute, topic, partition)
      TTL stored + toIntervalSecond(259200)
      SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, merge_with_ttl_timeout = 86400, deduplicate_merge_projection_mode = 'rebuild', replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800

      CREATE TABLE IF NOT EXISTS killdeer.minutes ON CLUSTER main AS killdeer.minutes_local
      ENGINE = Distributed(main, killdeer, minutes_local, partition)"
    `);
  });

  it('names nothing twice and repeats without harm', () => {
    for (const layout of [ALONE, SPREAD]) {
      const statements = MIGRATIONS.flatMap((migration) => migration.statements(layout));
      expect(
        statements.every((statement) =>
          /^(CREATE TABLE|ALTER TABLE \S+( ON CLUSTER main)? ADD COLUMN) IF NOT EXISTS /.test(statement),
        ),
      ).toBe(true);
      expect(new Set(statements).size).toBe(statements.length);
    }
    for (const name of TABLE_NAMES) expect(new Set(columnNames(name)).size).toBe(columnNames(name).length);
  });

  it('adds a column where rows are first, and never to a table that it makes', () => {
    const [first, second] = MIGRATIONS;
    expect(first.statements(ALONE).join()).not.toContain('error_type');
    expect(second.statements(ALONE)).toEqual([
      'ALTER TABLE killdeer.events ADD COLUMN IF NOT EXISTS error_type LowCardinality(String)',
    ]);
    expect(second.statements(SPREAD)).toEqual([
      'ALTER TABLE killdeer.events_local ON CLUSTER main ADD COLUMN IF NOT EXISTS error_type LowCardinality(String)',
      'ALTER TABLE killdeer.events ON CLUSTER main ADD COLUMN IF NOT EXISTS error_type LowCardinality(String)',
    ]);
  });

  it('has a migration for every column that came later', () => {
    const later = TABLE_NAMES.flatMap((name): readonly Column[] => TABLES[name].columns).flatMap(
      ({ since }) => since ?? [],
    );
    const versions = MIGRATIONS.map(({ version }) => version);
    expect(later.length).toBeGreaterThan(0);
    for (const since of later) expect(versions).toContain(since);
  });

  it('keeps rows as long as configured, in whole seconds', () => {
    expect(createTable(TABLES.findings, ALONE)[0]).toContain('TTL stored + toIntervalSecond(90062)');
    expect(createTable(TABLES.positions, ALONE)[0]).not.toContain('TTL');
  });

  it('says the same of a migration whatever it is called and however long it keeps', () => {
    const [first] = MIGRATIONS;
    const other = { ...first, statements: (layout: Layout) => [...first.statements(layout), 'DROP TABLE a'] };
    expect(checksum(other)).not.toBe(checksum(first));
    expect(checksum({ ...first, name: 'other' })).toBe(checksum(first));
  });
});
