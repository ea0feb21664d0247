/** One verdict on several findings: each gets a record of its own, and an answer of its own. */
import type { FastifyRequest } from 'fastify';
import { KilldeerError } from '../errors.js';
import { ANALYSTS, type ServerParts } from './contract.js';
import type { Api } from './route.js';
import { giveVerdict } from './route-verdicts.js';
import { emptyQuery } from './schema.js';
import { type VerdictsAnswer, type VerdictsBody, verdictsAnswer, verdictsBody } from './verdict-bulk-schema.js';

type Result = VerdictsAnswer['results'][number];

export function registerVerdictsBulk(app: Api, parts: ServerParts): void {
  app.route({
    method: 'POST',
    url: '/v1/verdicts/bulk',
    config: { access: ANALYSTS, operation: 'giveVerdicts', summary: 'Say the same of several findings' },
    schema: { querystring: emptyQuery, body: verdictsBody, response: { 200: verdictsAnswer } },
    handler: async (request) => {
      const { findings, ...said } = request.body;
      const results: Result[] = [];
      // One after the other: a log that is away fails the call at the first, and the same key goes on there.
      for (const finding of new Set(findings)) results.push(await judge(parts, request, finding, said));
      return { given: results.filter(({ verdict }) => verdict !== null).length, results };
    },
  });
}

/** What the finding or the registry stands against is an answer; whatever a retry may mend is thrown. */
async function judge(
  parts: ServerParts,
  request: FastifyRequest,
  finding: string,
  said: Omit<VerdictsBody, 'findings'>,
): Promise<Result> {
  try {
    return { finding, verdict: await giveVerdict(parts, request, { ...said, finding }), problem: null };
  } catch (error) {
    if (!(error instanceof KilldeerError) || error.status >= 500) throw error;
    return { finding, verdict: null, problem: { code: error.code, detail: error.message } };
  }
}
