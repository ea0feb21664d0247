/** Bodies with events: how many are held in memory at once, and how a compressed one becomes bytes. */
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { KilldeerError } from '../errors.js';
import { CALL_BYTES_MAX } from './ingest.js';
import type { Api } from './route.js';

/** Bodies held in memory at once: this many, each at most CALL_BYTES_MAX before and after decompression. */
const CALLS_MAX = 16;

const gunzipAsync = promisify(gunzip);

/** Lets in so many calls at once, over all routes that it guards. */
export interface CallGate {
  /** For every route of the scope. */
  guard(scope: Api): void;
}

export function createCallGate(): CallGate {
  let open = 0;
  return {
    guard(scope) {
      scope.addHook('onRequest', (_request, reply, next) => {
        if (open >= CALLS_MAX) return next(new KilldeerError('api.behind', `${open} calls with events are under way`));
        open += 1;
        // 'close' comes exactly once, also where the sender hangs up.
        reply.raw.once('close', () => {
          open -= 1;
        });
        next();
      });
    },
  };
}

/** Bodies of these types stay bytes. */
export function takeBytes(scope: Api, types: string[]): void {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser(types, { parseAs: 'buffer' }, (_request, body, parsed) => parsed(null, body));
}

/** Throws 'api.too-large', 'api.unsupported-media', or 'api.invalid' where there is no body or it is no gzip. */
export async function decompress(body: unknown, encoding: string | undefined): Promise<Uint8Array> {
  if (!Buffer.isBuffer(body)) throw new KilldeerError('api.invalid', 'the body holds no event');
  const name = (encoding ?? 'identity').trim().toLowerCase();
  if (name === 'identity') return body;
  if (name !== 'gzip' && name !== 'x-gzip') {
    throw new KilldeerError('api.unsupported-media', `content encoding ${name.slice(0, 40)} is not gzip`);
  }
  try {
    // The limit ends the work of a bomb as soon as it is reached, not after.
    return await gunzipAsync(body, { maxOutputLength: CALL_BYTES_MAX });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw new KilldeerError('api.too-large', `the body is longer than ${CALL_BYTES_MAX} bytes when decompressed`);
    }
    throw new KilldeerError('api.invalid', 'the body is not gzip as its content encoding says', error);
  }
}
