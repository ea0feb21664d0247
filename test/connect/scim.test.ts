/** Accounts of a SCIM directory. The same connector meets a real one in test/keycloak. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createScim, fixedBearer, type ScimOptions } from '../../src/connect/scim.js';
import { openLine } from './line.js';
import { type Account, type DirectoryState, openDirectory, type Receiver } from './receivers.js';
import { type Counterpart, describeConnector } from './suite.js';
import { wish } from './wishes.js';

const TOKEN = 'secret-of-the-directory';
const SIGNAL = new AbortController().signal;
const account = (n: number): Account => ({ id: `id-${n}`, userName: `agent-${n}`, active: true });

describeConnector('a SCIM directory', async (): Promise<Counterpart> => {
  const directory = await openDirectory(TOKEN, [account(0), account(1), account(2)]);
  const line = await openLine(directory.url);
  return {
    connector: openScim(`${line.url}/v2`),
    line,
    secrets: [TOKEN],
    isStopped: async (agent) => directory.state.accounts.some((one) => one.userName === agent && !one.active),
    changes: () => null,
    close: async () => {
      await line.close();
      await directory.close();
    },
  };
});

function openScim(url: string, rest: Partial<ScimOptions> = {}) {
  return createScim({
    ...{ name: 'directory', url, resource: 'Users', attribute: 'userName', subject: '{agent}' },
    bearer: fixedBearer(() => TOKEN),
    ignoreUnknown: false,
    ...rest,
  });
}

describe('a SCIM connector', () => {
  let directory: Receiver<DirectoryState>;
  beforeAll(async () => {
    const named = { id: 'x', userName: 'a', externalId: 'acme "crew\\clerk"', active: true };
    const twins = [1, 2].map((n) => ({ id: `t${n}`, userName: 'twin', active: true }));
    directory = await openDirectory(TOKEN, [named, ...twins]);
  });
  afterAll(() => directory.close());

  it('finds by the attribute and the pattern configured, whatever the name holds', async () => {
    const scim = openScim(`${directory.url}/v2`, { attribute: 'externalId', subject: '{tenant} "{agent}"' });
    expect(await scim.apply(wish('crew\\clerk'), 'k', SIGNAL)).toEqual({ done: true, note: null });
    expect(directory.state.accounts[0].active).toBe(false);
  });

  it('touches none of two accounts that are called the same', async () => {
    const applied = await openScim(`${directory.url}/v2`).apply(wish('twin'), 'k', SIGNAL);
    expect(applied).toMatchObject({ done: false, fault: 'wish', reason: 'it has several accounts of twin' });
    expect(directory.state.accounts.every(({ userName, active }) => userName !== 'twin' || active)).toBe(true);
  });

  it('fails for an agent without an account, unless that is fine', async () => {
    const url = `${directory.url}/v2`;
    expect(await openScim(url).apply(wish('nobody'), 'k', SIGNAL)).toMatchObject({ done: false, fault: 'wish' });
    const lax = await openScim(url, { ignoreUnknown: true }).apply(wish('nobody'), 'k', SIGNAL);
    expect(lax).toEqual({ done: true, note: 'it has no account with userName nobody', absent: true });
  });

  it('takes a refused token for the fault of the place, and does not show it', async () => {
    const scim = openScim(`${directory.url}/v2`, { bearer: fixedBearer(() => 'wrong-secret') });
    const applied = await scim.apply(wish('a'), 'k', SIGNAL);
    expect(applied).toEqual({
      ...{ done: false, fault: 'place', retryAfterMs: null },
      reason: 'SCIM lookup: answered with 401',
    });
  });
});
