/** Findings to take away: JSON Lines, CSV, Parquet, or OCSF documents, a line each. */
import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import { KilldeerError } from '../errors.js';
import { READERS, type ServerParts } from './contract.js';
import { exportParquet, exportText, fileOf } from './finding-export.js';
import type { Api } from './route.js';
import { filterOf } from './triage-asker.js';
import { EXPORT_ROWS_MAX, findingExportAnswer, findingExportQuery } from './triage-schema.js';

/** Exports under way at once: each holds a page of findings, a Parquet file all of its bytes. */
const EXPORTS_MAX = 2;

export function registerFindingExport(app: Api, parts: ServerParts): void {
  const { triage, clock } = parts;
  let underWay = 0;

  const enter = (reply: FastifyReply): void => {
    if (underWay >= EXPORTS_MAX) {
      reply.header('retry-after', 5);
      throw new KilldeerError('api.rate-limited', `${underWay} exports are under way`);
    }
    underWay += 1;
    // 'close' comes exactly once, also where the reader hangs up.
    reply.raw.once('close', () => {
      underWay -= 1;
    });
  };

  app.route({
    method: 'GET',
    url: '/v1/findings/export',
    config: {
      access: READERS,
      operation: 'exportFindings',
      summary: 'The findings that match as a file: JSON Lines, CSV, Parquet, or OCSF Detection Findings',
    },
    schema: { querystring: findingExportQuery, response: { 200: findingExportAnswer } },
    handler: async (request, reply) => {
      const { format, sort, ...query } = request.query;
      const filter = filterOf(request, query);
      const { total } = triage.list(filter, sort, 1, null);
      if (total > EXPORT_ROWS_MAX) {
        const reason = `${total} findings, at most ${EXPORT_ROWS_MAX} are in one export: narrow it by from_ms and to_ms`;
        throw new KilldeerError('api.too-large', reason);
      }
      enter(reply);
      const { type, name } = fileOf(format, clock());
      reply.type(type).header('content-disposition', `attachment; filename="${name}"`);
      if (format !== 'parquet') {
        return reply.send(Readable.from(exportText(parts, format, filter, sort)) as unknown as string);
      }
      return reply.send(Buffer.from(await exportParquet(triage, filter, sort)) as unknown as string);
    },
  });
}
