/** The queue: what waits for a person, by keyboard. */
import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import type { FindingStatesAnswer } from '../api/triage-schema.js';
import { failureOf, get } from './client.js';
import { KeyList, type KeyRows } from './key-list.jsx';
import { useKeys } from './keys.js';
import { useLoaded } from './load.js';
import { type Notice, useNotice } from './notice.jsx';
import { type Person, usePerson } from './person.js';
import { findingLink, go } from './place.js';
import { QueueFilters } from './queue-filters.jsx';
import { extended, filterOf, listOf, type QueueFilter, type QueueList, type QueueRow, updated } from './queue-list.js';
import { QueueRows } from './queue-rows.jsx';
import { assign, judge } from './triage.js';
import { type Update, useUpdates } from './updates.js';
import { countText } from './words.js';

const ROWS_A_PAGE = 50;
const KEYS: KeyRows = [
  ['j', 'next finding'],
  ['k', 'finding before'],
  ['Enter', 'open it'],
  ['n', 'show what is new'],
  ['?', 'these keys'],
];
const ANALYST_KEYS: KeyRows = [
  ['a', 'assign it to me'],
  ['f', 'false positive'],
  ['e', 'expected'],
];
const RESPONDER_KEYS: KeyRows = [['s', 'suspend its agent, after a question']];

/** Where the cursor was, for whoever comes back from a finding. */
let cursorKept: string | null = null;

export function QueuePage({ query }: { readonly query: URLSearchParams }) {
  const person = usePerson();
  const say = useNotice();
  const filter = filterOf(query);
  const asked = new URLSearchParams({ ...filter, limit: String(ROWS_A_PAGE) }).toString();
  const [page, reload] = useLoaded(() => get<FindingStatesAnswer>(`/v1/findings?${asked}`), [asked]);
  const [list, setList] = useState<QueueList | null>(null);
  const [current, setCurrent] = useState<string | null>(cursorKept);
  const [hasKeys, setHasKeys] = useState(false);
  /** What was told while the list was on its way, which it may not hold; null: none is. */
  const meanwhile = useRef<Update[] | null>(null);
  const place = page.state === 'ready' ? page.value.updates : null;
  useEffect(() => {
    document.title = 'Queue · Killdeer';
  }, []);
  useEffect(() => {
    meanwhile.current = [];
  }, [asked]);
  useEffect(() => {
    const told = meanwhile.current ?? [];
    if (page.state !== 'loading') meanwhile.current = null;
    const fresh = page.state === 'ready' ? listOf(page.value) : null;
    setList(told.reduce((now, update) => applied(now, update, filter, person.name), fresh));
  }, [page]);
  const isLive = useUpdates(place, (update) => {
    meanwhile.current?.push(update);
    setList((now) => applied(now, update, filter, person.name));
  });
  const refresh = () => {
    meanwhile.current = [];
    reload();
  };

  const rows = list?.rows ?? [];
  const at = Math.max(
    0,
    rows.findIndex(({ id }) => id === current),
  );
  const row = rows[at];
  const stand = useCallback((id: string) => {
    cursorKept = id;
    setCurrent(id);
  }, []);
  const step = (by: number) => {
    // The first key finds the cursor; the next one moves it.
    const next = rows[current === null ? at : Math.min(rows.length - 1, Math.max(0, at + by))];
    if (next === undefined) return;
    stand(next.id);
    focusRow(next.id);
  };
  const act = useActs(person, row, say);
  useKeys({
    j: () => step(1),
    k: () => step(-1),
    n: () => (list !== null && list.waiting.size > 0 ? refresh() : undefined),
    '?': () => setHasKeys(true),
    ...act,
  });
  const more = () => {
    const next = `/v1/findings?${asked}&cursor=${encodeURIComponent(list?.cursor ?? '')}`;
    get<FindingStatesAnswer>(next).then(
      (answer) => setList((now) => (now === null ? now : extended(now, answer))),
      (error: unknown) => say({ failure: failureOf(error) }),
    );
  };

  return (
    <section class="page">
      <div class="head">
        <h1>Queue</h1>
        <p class="quiet-text">
          {list !== null && `${countText(list.total, 'finding')} · `}
          <span class={isLive ? 'live' : 'not-live'}>{isLive ? 'live' : 'connecting'}</span>
        </p>
      </div>
      <QueueFilters query={query}>
        <NewBar list={list} reload={refresh} />
      </QueueFilters>
      {page.state === 'loading' && <p class="loading">Loading findings…</p>}
      {page.state === 'failed' && (
        <div class="warning" role="alert">
          <p>
            The findings could not be read: {page.failure.message}. What helps: {page.failure.next}.
          </p>
          <button type="button" onClick={refresh}>
            Try again
          </button>
        </div>
      )}
      {list !== null && <QueueRows list={list} current={row?.id ?? null} onFocus={stand} more={more} query={query} />}
      {row !== undefined && person.isAnalyst && <ActBar row={row} act={act} />}
      {hasKeys && <KeyList rows={keysOf(person)} onClose={() => setHasKeys(false)} />}
    </section>
  );
}

function applied(list: QueueList | null, update: Update, filter: QueueFilter, me: string): QueueList | null {
  if (list === null || update.type === 'agent') return list;
  if (update.type === 'reset') return { ...list, isStale: true };
  return updated(list, update.finding, filter, me);
}

function keysOf({ isAnalyst, isResponder }: Person): KeyRows {
  return [...KEYS, ...(isAnalyst ? ANALYST_KEYS : []), ...(isResponder ? RESPONDER_KEYS : [])];
}

/** Keys that do something to the row under the cursor: those alone that the person may. */
function useActs(person: Person, row: QueueRow | undefined, say: (notice: Notice) => void) {
  const isBusy = useRef(false);
  if (row === undefined || !person.isAnalyst) return {};
  const run = (work: () => Promise<Notice>) => () => {
    // A key that is held down means one wish.
    if (isBusy.current) return;
    isBusy.current = true;
    work()
      .then(say, (error: unknown) => say({ failure: failureOf(error) }))
      .finally(() => {
        isBusy.current = false;
      });
  };
  return {
    a: run(() => assign(row, 'me')),
    f: run(() => judge(row, 'false-positive', '')),
    e: run(() => judge(row, 'expected', '')),
    ...(person.isResponder ? { s: () => go(findingLink(row.id, 'suspend')) } : {}),
  };
}

/** Where it moves no row when it has something to say. */
function NewBar({ list, reload }: { readonly list: QueueList | null; readonly reload: () => void }) {
  const count = list?.waiting.size ?? 0;
  const isStale = list?.isStale === true;
  return (
    <div class="new-bar" role="status">
      {(count > 0 || isStale) && (
        <button type="button" class="strong" onClick={reload}>
          {isStale ? 'The list has changed: show it as it is' : `${count} new: show`}
        </button>
      )}
    </div>
  );
}

interface ActBarProps {
  readonly row: QueueRow;
  readonly act: Partial<Record<'a' | 'f' | 'e' | 's', () => void>>;
}

const ACTS = [
  ['a', 'Assign to me'],
  ['f', 'False positive'],
  ['e', 'Expected'],
  ['s', 'Suspend…'],
] as const;

function ActBar({ row, act }: ActBarProps) {
  return (
    <section class="act-bar" aria-label={`For the finding of ${row.agent}`}>
      <span class="agent">{row.agent}</span>
      {ACTS.map(([key, label]) =>
        act[key] === undefined ? null : (
          <button type="button" key={key} onClick={act[key]} aria-keyshortcuts={key}>
            {label} <kbd>{key}</kbd>
          </button>
        ),
      )}
    </section>
  );
}

function focusRow(id: string): void {
  const link = document.querySelector<HTMLElement>(`[data-finding="${CSS.escape(id)}"]`);
  link?.focus({ preventScroll: true });
  link?.closest('li')?.scrollIntoView({ block: 'nearest' });
}
