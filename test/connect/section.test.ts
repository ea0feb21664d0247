/** What the configuration of connectors refuses, and how it says so. */
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../src/config.js';
import { openConnectors } from '../../src/connect/connectors.js';
import { connectorsSchema } from '../../src/connect/section.js';

const SECRET = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
const row = { kind: 'webhook', name: 'gate', url: 'https://gate.example/take', secret_env: 'KILLDEER_TEST_SECTION' };

function open(...rows: object[]) {
  process.env['KILLDEER_TEST_SECTION'] = SECRET;
  const quiet = { folder: '.', now: Date.now, draw: () => 0, onFault: () => undefined };
  return openConnectors({ config: connectorsSchema.parse(rows), ...quiet });
}

describe('the section connectors', () => {
  it('is empty by default', () => {
    expect(parseConfig({}, 'test').connectors).toEqual([]);
  });

  it.each([
    [[{ ...row, extra: 1 }], 'extra'],
    [[row, row], 'two have the same name'],
    [[{ ...row, name: 'traffic' }], 'traffic stands for'],
    [[{ ...row, kind: 'pigeon' }], 'kind'],
    [[{ ...row, statuses: ['active'] }], 'statuses'],
    [[{ ...row, timeout: 'soon' }], 'connectors.0.timeout'],
    [[{ ...row, agents: ['a*b'] }], "'*' may stand only at the end"],
  ])('refuses %j', (connectors, words) => {
    expect(() => parseConfig({ connectors }, 'test')).toThrow(words);
  });

  it.each([
    ['http://gate.example/', 'is not https'],
    ['http://127.0.0.1.example/', 'is not https'],
    ['ftp://gate.example/', 'neither https nor http'],
    ['https://me:mine@gate.example/', 'does not belong into its url'],
    ['gate', 'is no address'],
  ])('calls nobody at %s', async (url, words) => {
    await expect(open({ ...row, url })).rejects.toThrow(words);
    await expect(open({ ...row, url })).rejects.not.toThrow('mine');
    await expect(open({ ...row, status_url: url })).rejects.toThrow(words);
    await expect(open({ ...row, kind: 'notify', url })).rejects.toThrow(words);
  });

  it.each(['http://127.0.0.1:9/', 'http://localhost:9/', 'http://[::1]:9/', 'https://gate.example/'])(
    'may call %s',
    async (url) => {
      expect((await open({ ...row, url })).status()).toEqual({ active: false, places: [], addressees: [] });
    },
  );

  it('calls another machine by http where that is said to be meant', async () => {
    expect((await open({ ...row, url: 'http://gate.internal/', insecure: true })).isEmpty).toBe(false);
  });

  it('says which secret is not there', async () => {
    const absent = { ...row, secret_env: 'KILLDEER_TEST_ABSENT' };
    await expect(open(absent)).rejects.toThrow(
      'connectors.gate: no secret in the environment variable KILLDEER_TEST_ABSENT',
    );
    await expect(open({ ...row, secret_env: null })).rejects.toThrow('no secret in any place');
    await expect(open({ ...row, secret_env: null, secret_file: 'no/such/file' })).rejects.toThrow('ENOENT');
  });
});
