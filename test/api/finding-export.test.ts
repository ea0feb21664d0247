/** Findings as files, read back by readers of their own. */
import { parquetReadObjects } from 'hyparquet';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readCsv } from '../../src/api/csv-text.js';
import { linesOf } from '../verbs/said.js';
import { createTriageWorld, minutesAgo, type TriageWorld } from './triage-world.js';

const HOSTILE = '=HYPERLINK("http://x")\u202e,\r\n<script>';
let triage: TriageWorld;

beforeEach(async () => {
  triage = await createTriageWorld();
  for (let i = 0; i < 900; i++) triage.raise(`f-${i}`, { time: minutesAgo(2_000 - i) });
  triage.raise('f-900', { time: minutesAgo(1), title: HOSTILE, severity: 'critical' });
  triage.raise('f-901', { time: minutesAgo(5), tenant: 'acme', agent: 'lone', root: 'lone' });
});
afterEach(() => triage.close());

async function take(query: string, token = 'viewer') {
  const answer = await triage.get(token, `/v1/findings/export${query}`);
  expect(answer.statusCode, answer.body.slice(0, 300)).toBe(200);
  return answer;
}

describe('GET /v1/findings/export', () => {
  it('is JSON Lines of what the list shows, all of it', async () => {
    const { headers, body } = await take('');
    expect(headers).toMatchObject({
      'content-type': 'application/x-ndjson',
      'content-disposition': 'attachment; filename="findings-20250602T120000Z.jsonl"',
      'x-content-type-options': 'nosniff',
    });
    const rows = linesOf(body);
    expect(rows).toHaveLength(902);
    expect(rows[0]).toEqual((await triage.get('viewer', '/v1/findings?limit=1')).json().findings[0]);
    expect(rows[0]).toMatchObject({ id: 'f-900', title: HOSTILE });
    expect(body).not.toMatch(/\u202e|<script>/);
  });

  it('is CSV whose cells do nothing', async () => {
    const { headers, body } = await take('?format=csv');
    expect(headers['content-type']).toBe('text/csv; charset=utf-8; header=present');
    expect(headers['content-disposition']).toContain('.csv"');
    const { rows, problem } = readCsv(body);
    expect([rows.length, problem]).toEqual([903, null]);
    const title = rows[0]?.cells.indexOf('title') ?? -1;
    const line = body.split('\r\n')[1] as string;
    expect(line).toContain(`'=HYPERLINK`);
    expect(rows[1]?.cells[title]).toMatch(/^=HYPERLINK/);
    expect(body).not.toContain('\u202e');
  });

  it('is Parquet that a table engine reads', async () => {
    const { headers, rawPayload } = await take('?format=parquet&sort=raised');
    expect(headers['content-type']).toBe('application/vnd.apache.parquet');
    expect(headers['content-disposition']).toContain('.parquet"');
    const file = rawPayload.buffer.slice(rawPayload.byteOffset, rawPayload.byteOffset + rawPayload.byteLength);
    const rows = await parquetReadObjects({ file: file as ArrayBuffer });
    expect(rows).toHaveLength(902);
    expect(rows[0]).toMatchObject({ id: 'f-900', severity: 'critical', status: 'new' });
    expect(rows.at(-1)).toMatchObject({ id: 'f-0', raised: new Date(minutesAgo(2_000)) });
  });

  it('is OCSF, a Detection Finding a line', async () => {
    const { body } = await take('?format=ocsf&severity=critical');
    expect(linesOf(body)).toMatchObject([{ class_uid: 2004, severity_id: 5, finding_info: { uid: 'f-900' } }]);
  });

  it('holds what matches and what the asker sees, and nothing else', async () => {
    expect(linesOf((await take('?search=hyperlink')).body).map(({ id }) => id)).toEqual(['f-900']);
    for (const format of ['jsonl', 'ocsf']) {
      const rows = linesOf((await take(`?format=${format}`, 'bound-viewer')).body);
      expect(rows).toHaveLength(1);
      expect(JSON.stringify(rows)).toContain('f-901');
    }
    expect(readCsv((await take('?format=csv', 'bound-viewer')).body).rows).toHaveLength(2);
    expect((await triage.get('viewer', '/v1/findings/export?format=xml')).statusCode).toBe(400);
    expect((await triage.get('gateway', '/v1/findings/export')).statusCode).toBe(403);
  });

  it('is refused while as many are under way as may be, and given again afterwards', async () => {
    const address = await triage.world.app.listen({ port: 0, host: '127.0.0.1' });
    const headers = { authorization: 'Bearer viewer' };
    const answers = await Promise.all(
      Array.from({ length: 6 }, () => fetch(`${address}/v1/findings/export`, { headers })),
    );
    const statuses = answers.map(({ status }) => status).sort();
    expect(new Set(statuses)).toEqual(new Set([200, 429]));
    for (const answer of answers) await answer.text();
    let status = 429;
    while (status === 429) {
      const answer = await fetch(`${address}/v1/findings/export`, { headers });
      await answer.text();
      status = answer.status;
    }
    expect(status).toBe(200);
  });
});
