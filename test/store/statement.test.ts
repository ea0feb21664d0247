/** What `killdeer store query` runs and what it does not, by its own reading of the statement. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { embeddedRefusalOf, formatOf, refusalOf, tokensOf } from '../../src/store/statement.js';

describe('what only reads', () => {
  it.each([
    'SELECT 1',
    '  select count() from events;',
    'SELECT * FROM events WHERE agent = {a:String} LIMIT 5',
    "SELECT 'it''s; DROP TABLE events' AS text, `odd name`, \"other\" FROM t -- DROP TABLE x; file('a')",
    '/* DROP /* nested */ ; */ WITH 1 AS a SELECT a',
    '(SELECT 1) UNION ALL (SELECT 2)',
    'EXPLAIN SELECT 1',
    'SHOW TABLES',
    'DESCRIBE TABLE events',
    'EXISTS TABLE events',
    'SELECT number FROM numbers(10)',
    'SELECT format, a.settings FROM (SELECT 1 AS format)',
    'SELECT * FROM system.settings',
  ])('runs %s', (sql) => {
    expect(refusalOf(sql)).toBeNull();
  });

  it.each([
    ['', 'no statement'],
    [';', 'no statement'],
    ['-- SELECT 1', 'no statement'],
    ['INSERT INTO events VALUES (1)', 'only queries'],
    ['/* SELECT */ DROP TABLE events', 'only queries'],
    ['-- harmless\nTRUNCATE TABLE events', 'only queries'],
    ['#! SELECT\nDROP TABLE events', 'only queries'],
    ['SYSTEM SHUTDOWN', 'only queries'],
    ['SET readonly = 0', 'only queries'],
    ['ALTER TABLE events DELETE WHERE 1', 'only queries'],
    ['SELECT 1; DROP TABLE events', 'one statement'],
    ["SELECT ';' ; /* */ SELECT 2", 'one statement'],
    ['SELECT 1 /* ; */; SELECT 2', 'one statement'],
    ["SELECT 1 INTO OUTFILE '/x'", 'INTO OUTFILE'],
    ["SELECT 1 into /* */ outfile '/x'", 'INTO OUTFILE'],
    ['SELECT 1 SETTINGS readonly = 0', 'settings'],
    ["SELECT * FROM file('/etc/passwd')", 'file()'],
    ["SELECT * FROM `file`('/etc/passwd')", 'file()'],
    ['SELECT * FROM "FILE" (\'/etc/passwd\')', 'FILE()'],
    ["SELECT * FROM `fi\\x6ce`('/etc/passwd')", 'beyond'],
    ["SELECT * FROM url('http://a.example/')", 'url()'],
    ["SELECT * FROM remote('a', 'b', 'c')", 'remote()'],
    ["SELECT * FROM s3 ('a')", 's3()'],
    ['SELECT * FROM newSource(1)', 'newSource()'],
    ["SELECT 'abc", 'does not end'],
    ['SELECT /* 1', 'does not end'],
    ['SELECT $$;$$', 'outside of quotes'],
    ['SELECT \u2018a\u2019', 'outside of quotes'],
    ["SELECT x'41\\', file('/etc/passwd'), ''", 'file()'],
  ])('does not run %s', (sql, reason) => {
    expect(refusalOf(sql, ['newSource'])).toContain(reason);
  });

  it('never takes a text for more or less than the text', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 30 }), (text) => {
        const quoted = `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
        expect(tokensOf(`SELECT ${quoted} AS a`)?.map(({ kind }) => kind)).toEqual(['word', 'text', 'word', 'word']);
        expect(refusalOf(`SELECT ${quoted} AS a`)).toBeNull();
        expect(refusalOf(`SELECT ${quoted}; DROP TABLE a`)).not.toBeNull();
      }),
    );
  });
});

it('keeps the embedded engine from what ClickHouse refuses over HTTP', () => {
  expect(embeddedRefusalOf('INSERT INTO a FORMAT JSONEachRow')).toBeNull();
  expect(embeddedRefusalOf('CREATE TABLE a (b String) ENGINE = Memory;')).toBeNull();
  expect(embeddedRefusalOf('SELECT 1; SELECT 2')).toContain('Multi-statements');
  expect(embeddedRefusalOf("SELECT 1 INTO OUTFILE 'x'")).toContain('OUTFILE');
});

it('knows the format that a statement names', () => {
  expect(formatOf('SELECT 1 FORMAT CSV')).toBe('CSV');
  expect(formatOf("SELECT 'FORMAT CSV'")).toBeNull();
  expect(formatOf('SELECT 1 -- FORMAT CSV')).toBeNull();
});
