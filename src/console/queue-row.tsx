/** One finding in the queue. The link in it is what the cursor of the keyboard stands on. */

import { SeverityMark, standingText, Time } from './marks.jsx';
import { memo } from './memo.js';
import { findingLink } from './place.js';
import type { QueueRow } from './queue-list.js';
import { plain } from './words.js';

interface RowProps {
  readonly row: QueueRow;
  readonly isCurrent: boolean;
  readonly onFocus: (id: string) => void;
}

export const QueueLine = memo(({ row, isCurrent, onFocus }: RowProps) => {
  const classes = ['row', isCurrent ? 'current' : '', row.status === 'closed' ? 'closed' : ''].join(' ');
  return (
    <li class={classes}>
      <SeverityMark severity={row.severity} />
      <div class="what">
        <a
          href={findingLink(row.id)}
          data-finding={row.id}
          aria-current={isCurrent ? 'true' : undefined}
          onFocus={() => onFocus(row.id)}
        >
          {row.title}
        </a>
        <p class="quiet-text">
          <span class="agent">{row.tenant === '' ? row.agent : `${row.agent} of ${row.tenant}`}</span>
          <span>{plain(row.kind)}</span>
          <Time ms={row.last_ms} />
          <span class="standing">{standingText(row)}</span>
          {row.suppressed && <span>muted</span>}
        </p>
      </div>
      <p class="risk">
        <span class="quiet-text">risk</span> <b>{Math.round(row.risk)}</b>
      </p>
    </li>
  );
});
