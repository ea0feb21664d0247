/** A configuration as a list of values that may be shown: each with where it comes from, and no secret among them. */
import { createHash } from 'node:crypto';
import type { ConfigValue } from '../api/operations-contract.js';
import type { Config } from '../config.js';
import type { DetectionBudget } from '../registry/registry.js';

/** Names of members that hold a secret themselves; those that only say where one is end otherwise. */
const SECRET = /(seed|secret|password|passphrase|token|credential|key)$/i;
/** Paths of files, although their names sound like more. */
const HARMLESS: readonly string[] = ['kafka.tls.key', 'api.tls.key'];
/** Of receivers, whose addresses are often all the secret there is. */
const RECEIVERS = /^(connectors|sinks)\./;
const ADDRESS = /^[a-z][a-z0-9+.-]*:\/\//i;

const PAGES = 'detection.pages_per_agent_day';
const NOTICES = 'detection.notices_per_agent_day';

/** Every value of the configuration; `given` is what its file said, `set` what people changed since. */
export function configValues(config: Config, given: unknown, set: DetectionBudget | null): ConfigValue[] {
  const said = new Map<string, number>(
    set === null
      ? []
      : [
          [PAGES, set.pagesPerAgentDay],
          [NOTICES, set.noticesPerAgentDay],
        ],
  );
  return leavesOf(config, []).map(({ at, value }) => {
    const path = at.join('.');
    const live = path === PAGES || path === NOTICES;
    const record = said.get(path);
    if (record !== undefined) return { path, value: record, from: 'record', withheld: false, live };
    const shown = shownOf(path, at, value);
    return { path, ...shown, from: isGiven(given, at) ? 'file' : 'default', live };
  });
}

/** Digest of what may be shown. */
export function configHash(values: readonly ConfigValue[]): string {
  return digestOf(values.map(({ path, value }) => [path, value]));
}

/** A short digest of anything that is plain JSON. */
export function digestOf(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 16);
}

interface Leaf {
  readonly at: readonly string[];
  readonly value: unknown;
}

function leavesOf(value: unknown, at: readonly string[]): Leaf[] {
  if (typeof value !== 'object' || value === null) return [{ at, value }];
  const members = Object.entries(value);
  const isPlainList = Array.isArray(value) && value.every((one) => typeof one !== 'object' || one === null);
  if (members.length === 0 || isPlainList) return [{ at, value }];
  return members.flatMap(([name, member]) => leavesOf(member, [...at, name]));
}

function isGiven(given: unknown, at: readonly string[]): boolean {
  let here = given;
  for (const name of at) {
    if (typeof here !== 'object' || here === null || !Object.hasOwn(here, name)) return false;
    here = (here as Record<string, unknown>)[name];
  }
  return true;
}

function shownOf(path: string, at: readonly string[], value: unknown): Pick<ConfigValue, 'value' | 'withheld'> {
  const name = at.at(-1) ?? '';
  const isSecret = (SECRET.test(name) && !HARMLESS.includes(path)) || at.includes('headers');
  if (isSecret) return { value: null, withheld: value !== null };
  if (typeof value !== 'string' || !ADDRESS.test(value)) return { value, withheld: false };
  const address = addressOf(value, RECEIVERS.test(path));
  return { value: address, withheld: address !== value };
}

/** Without whoever logs in, and without a query; of a receiver the host alone. */
function addressOf(text: string, hostAlone: boolean): string | null {
  if (!URL.canParse(text)) return null;
  const url = new URL(text);
  if (url.username === '' && url.password === '' && url.search === '' && (!hostAlone || url.pathname === '/'))
    return text;
  return `${url.protocol}//${url.host}${hostAlone ? '/...' : url.pathname}`;
}
