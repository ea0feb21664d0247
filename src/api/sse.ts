/** Reading server-sent events (the WHATWG form), as far as this program writes them: id, event and data of each message. */

export interface SseMessage {
  readonly type: string;
  readonly data: string;
  /** null: the message names none. */
  readonly id: string | null;
}

/** Takes bytes as they come, cut anywhere, and gives the messages that are whole. */
export function createSseReader(): { push(bytes: Uint8Array): SseMessage[] } {
  const decoder = new TextDecoder();
  let rest = '';
  return {
    push(bytes) {
      rest += decoder.decode(bytes, { stream: true });
      const blocks = rest.split('\n\n');
      rest = blocks.pop() ?? '';
      return blocks.map(messageOf).filter((message) => message !== null);
    },
  };
}

/** null: a block without data is for nobody. */
function messageOf(block: string): SseMessage | null {
  let type = 'message';
  let id: string | null = null;
  const data: string[] = [];
  for (const line of block.split('\n')) {
    const at = line.indexOf(':');
    if (at <= 0) continue;
    const value = line.slice(at + 1).replace(/^ /, '');
    const field = line.slice(0, at);
    if (field === 'event') type = value;
    else if (field === 'id') id = value;
    else if (field === 'data') data.push(value);
  }
  return data.length === 0 ? null : { type, data: data.join('\n'), id };
}
