/** The pages of the console: one page, and the files that it loads. Whoever sees them knows nothing yet: data need a login. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import * as z from 'zod';
import { KilldeerError } from '../errors.js';
import type { ConsoleFile, ConsoleFiles } from './console-files.js';
import type { Api } from './route.js';
import { answers } from './schema.js';
import { CONSOLE_CSP } from './site.js';

export const consoleAnswer = z.string().describe('a page').register(answers, { id: 'ConsolePage' });
export const consoleFileAnswer = z.string().describe('a file of it').register(answers, { id: 'ConsoleFile' });
/** Types of what consoleFileAnswer stands for. */
export const CONSOLE_FILE_TYPES = ['text/javascript', 'text/css', 'image/svg+xml'];

/** Names of files carry a hash of what they hold, so that nobody needs to ask for one again. */
const FOR_EVER = 'public, max-age=31536000, immutable';
/** The page names them, and so is asked for each time; it costs an empty answer where it is as it was. */
const ASK_AGAIN = 'no-cache';

const filePath = z.object({ file: z.string().min(1).max(200) });

/** null: the pages were not built; then every route here says so. */
export function registerConsole(app: Api, files: ConsoleFiles | null): void {
  app.route({
    method: 'GET',
    url: '/',
    config: { access: 'open', operation: 'getConsole', summary: 'The console for people, as a page for a browser' },
    schema: { response: { 200: consoleAnswer } },
    handler: (request, reply) => {
      send(request, reply, requireBuilt(files).page, ASK_AGAIN);
    },
  });

  app.route({
    method: 'GET',
    url: '/assets/:file',
    config: { access: 'open', operation: 'getConsoleFile', summary: 'A script or a style of the console' },
    schema: { params: filePath, response: { 200: consoleFileAnswer } },
    handler: (request, reply) => {
      const file = requireBuilt(files).assets.get(request.params.file);
      if (file === undefined) throw new KilldeerError('api.not-found', 'the console has no such file: load it again');
      send(request, reply, file, FOR_EVER);
    },
  });
}

function requireBuilt(files: ConsoleFiles | null): ConsoleFiles {
  if (files !== null) return files;
  throw new KilldeerError('api.not-found', 'the console was not built: npm run build makes it');
}

function send(request: FastifyRequest, reply: FastifyReply, file: ConsoleFile, cacheControl: string): void {
  const { type, bytes, gzip, etag } = file;
  const zipped = /\bgzip\b/.test(request.headers['accept-encoding'] ?? '') ? gzip : null;
  reply
    .header('cache-control', cacheControl)
    .header('content-security-policy', CONSOLE_CSP)
    .header('cross-origin-opener-policy', 'same-origin')
    .header('vary', 'Accept-Encoding')
    .header('etag', etag);
  if (request.headers['if-none-match'] === etag) {
    void (reply as FastifyReply).code(304).send();
    return;
  }
  if (zipped !== null) reply.header('content-encoding', 'gzip');
  void reply.type(type).send(zipped ?? bytes);
}
