/** JSON Lines into a file on this machine, for whoever picks files up. */
import type { Applied } from '../connect/contract.js';
import { inertJson } from '../render/inert.js';
import type { Way } from './contract.js';
import type { LineFile } from './line-file.js';

export function createFileWay(file: LineFile): Way {
  return {
    send: async ({ items }): Promise<Applied> => {
      try {
        await file.append(items.map(({ value }) => inertJson(value)));
        return { done: true, note: null };
      } catch (error) {
        const { code } = error as { code?: unknown };
        const reason = `file: ${typeof code === 'string' ? code : 'it cannot be written'}`;
        return { done: false, reason, retryAfterMs: null, fault: 'place' };
      }
    },
    close: () => file.close(),
  };
}
