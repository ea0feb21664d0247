/** What `killdeer check` says of the history: whether there is one, and whether it can be reached. */
import { openConnection } from '../store/connection.js';
import { isEmbeddable } from '../store/embedded.js';
import type { Look } from './look-at-topics.js';
import type { Setup } from './setup.js';

const TIMEOUT_MS = 5_000;

/** Without a history everything else goes on, so its absence is no fault unless the configuration asks for it. */
export async function lookAtStore({ config }: Setup): Promise<Look> {
  const what = 'history';
  const { kind, url, username, database, password_env: name } = config.store;
  if (kind === 'none') return { what, ok: null, words: 'none is kept' };
  if (kind !== 'clickhouse') {
    if (isEmbeddable()) return { what, ok: true, words: 'kept by the embedded engine, in the data directory' };
    const words = 'the optional dependency chdb is not installed, so none is kept';
    return { what, ok: kind === 'auto' ? null : false, words };
  }
  const access = { url, username, password: process.env[name] ?? '' };
  const connection = openConnection(access, { timeoutMs: TIMEOUT_MS });
  try {
    const [row] = await connection.select<{ version: string }>('SELECT version() AS version');
    return { what, ok: true, words: `${url}, database ${database}, ClickHouse ${row?.version}` };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { what, ok: false, words: `${url}: ${reason}` };
  } finally {
    await connection.close();
  }
}
