/** The rows of the queue, or why there are none. */
import { type QueueList, queueLink } from './queue-list.js';
import { QueueLine } from './queue-row.jsx';

interface RowsProps {
  readonly list: QueueList;
  readonly current: string | null;
  readonly onFocus: (id: string) => void;
  readonly more: () => void;
  readonly query: URLSearchParams;
}

export function QueueRows({ list, current, onFocus, more, query }: RowsProps) {
  if (list.rows.length === 0) return <EmptyQueue query={query} />;
  return (
    <>
      <ul class="rows">
        {list.rows.map((row) => (
          <QueueLine key={row.id} row={row} isCurrent={row.id === current} onFocus={onFocus} />
        ))}
      </ul>
      {list.cursor !== null && (
        <p class="more">
          <button type="button" onClick={more}>
            Show more
          </button>{' '}
          <span class="quiet-text">
            {list.rows.length} of {list.total}
          </span>
        </p>
      )}
    </>
  );
}

function EmptyQueue({ query }: { readonly query: URLSearchParams }) {
  const isUsual = [...query.keys()].length === 0;
  return (
    <div class="empty">
      <p>{isUsual ? 'No page waits for anybody.' : 'No finding is like that.'}</p>
      <p>
        <a href={isUsual ? queueLink(query, { severity: 'info' }) : '#/queue'}>
          {isUsual ? 'Show notices too' : 'Show all open pages'}
        </a>
      </p>
    </div>
  );
}
