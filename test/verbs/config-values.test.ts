import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config.js';
import { configHash, configValues } from '../../src/verbs/config-values.js';

const GIVEN = {
  detection: { hash_seed: 12_345, agents_max: 7 },
  store: { url: 'http://ada:hidden@127.0.0.1:8123/db?key=hidden' },
  kafka: { sasl: { mechanism: 'plain', username: 'ada' }, tls: { key: 'k.pem' } },
  connectors: [{ kind: 'webhook', name: 'hook', url: 'https://hooks.example/T0/hidden', secret_env: 'HOOK_SECRET' }],
};

function rowsOf(given: unknown, set: Parameters<typeof configValues>[2] = null) {
  const values = configValues(parseConfig(given, 'test'), given, set);
  return { values, rows: new Map(values.map((row) => [row.path, row])) };
}

describe('the values of a configuration', () => {
  it('say where each comes from', () => {
    const { rows } = rowsOf(GIVEN, { pagesPerAgentDay: 0.2, noticesPerAgentDay: 0.3 });
    expect(rows.get('detection.agents_max')).toMatchObject({ value: 7, from: 'file', live: false });
    expect(rows.get('detection.sessions_max')).toMatchObject({ value: 200_000, from: 'default' });
    expect(rows.get('detection.pages_per_agent_day')).toMatchObject({ value: 0.2, from: 'record', live: true });
    expect(rows.get('connectors.0.timeout')).toMatchObject({ value: 10_000, from: 'default' });
    expect(rows.get('roles')).toMatchObject({ from: 'default' });
  });

  it('hold no secret, but say which variable holds one', () => {
    const { values, rows } = rowsOf(GIVEN);
    expect(JSON.stringify(values)).not.toMatch(/hidden|12345/);
    expect(rows.get('detection.hash_seed')).toMatchObject({ value: null, withheld: true });
    expect(rows.get('store.url')).toMatchObject({ value: 'http://127.0.0.1:8123/db', withheld: true });
    expect(rows.get('connectors.0.url')).toMatchObject({ value: 'https://hooks.example/...', withheld: true });
    expect(rows.get('connectors.0.secret_env')).toMatchObject({ value: 'HOOK_SECRET', withheld: false });
    expect(rows.get('kafka.tls.key')).toMatchObject({ value: 'k.pem', withheld: false });
    expect(rows.get('store.password_env')).toMatchObject({ withheld: false });
  });

  it('have a digest that says whether two are the same', () => {
    expect(configHash(rowsOf(GIVEN).values)).toBe(configHash(rowsOf(structuredClone(GIVEN)).values));
    expect(configHash(rowsOf({ partitions: 2 }).values)).not.toBe(configHash(rowsOf({}).values));
  });
});
