/** Which findings the queue is of: all of them links, so that a view can be sent to somebody. */
import type { ComponentChildren } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { go } from './place.js';
import { filterOf, queueLink } from './queue-list.js';

type Change = Readonly<Record<string, string | null>>;
type Choice = readonly [name: string, change: Change];

const OPEN = { statuses: 'new,in-progress', assignee: null, quiet: 'false' } as const;
const VIEWS: readonly Choice[] = [
  ['Open', OPEN],
  ['Mine', { ...OPEN, assignee: 'me' }],
  ["Nobody's", { ...OPEN, assignee: '' }],
  // Silence is no attack, and most of it is only a notice.
  ['Quiet agents', { ...OPEN, quiet: 'true', severity: 'info' }],
  ['Closed', { ...OPEN, statuses: 'closed' }],
];
const SEVERITIES: readonly Choice[] = [
  ['Pages', { severity: 'medium' }],
  ['High and worse', { severity: 'high' }],
  ['With notices', { severity: 'info' }],
];
const SORTS: readonly Choice[] = [
  ['Latest first', { sort: 'last' }],
  ['Worst first', { sort: 'severity' }],
];

interface FiltersProps {
  readonly query: URLSearchParams;
  /** Stands at their end. */
  readonly children: ComponentChildren;
}

export function QueueFilters({ query, children }: FiltersProps) {
  return (
    <div class="filters">
      <Choices name="View" choices={VIEWS} query={query} />
      <Choices name="Severity" choices={SEVERITIES} query={query} />
      <Choices name="Order" choices={SORTS} query={query} />
      <Search query={query} />
      {children}
    </div>
  );
}

interface ChoicesProps {
  readonly name: string;
  readonly choices: readonly Choice[];
  readonly query: URLSearchParams;
}

function Choices({ name, choices, query }: ChoicesProps) {
  const filter = filterOf(query);
  const isChosen = (change: Change) => Object.entries(change).every(([of, value]) => (filter[of] ?? null) === value);
  return (
    <nav class="choices" aria-label={name}>
      {choices.map(([label, change]) => (
        <a key={label} href={queueLink(query, change)} aria-current={isChosen(change) ? 'true' : undefined}>
          {label}
        </a>
      ))}
    </nav>
  );
}

function Search({ query }: { readonly query: URLSearchParams }) {
  const given = query.get('search') ?? '';
  const [text, setText] = useState(given);
  useEffect(() => setText(given), [given]);
  const submit = (event: Event) => {
    event.preventDefault();
    go(queueLink(query, { search: text.trim() === '' ? null : text.trim() }));
  };
  return (
    <search>
      <form class="search-form" onSubmit={submit}>
        <label for="search">Search</label>
        <input
          id="search"
          type="search"
          maxLength={200}
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </form>
    </search>
  );
}
