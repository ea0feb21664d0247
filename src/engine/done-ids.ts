/** Ids of what people said and took back, or what a reset dropped: told again, it does nothing. */

/** The newest are remembered. */
const DONE_MAX = 1_024;

/** Remembers an id, forgetting the oldest where there are too many. */
export function rememberDone(done: Set<string>, id: string): void {
  done.add(id);
  if (done.size <= DONE_MAX) return;
  for (const oldest of done) {
    done.delete(oldest);
    return;
  }
}
