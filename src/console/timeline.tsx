/** What happened, oldest first. */
import type { TimelineAnswer } from '../api/triage-schema.js';
import { Time } from './marks.jsx';
import { actorText } from './words.js';

export function Timeline({ entries }: TimelineAnswer) {
  return (
    <ol class="timeline">
      {entries.map((entry, i) => (
        <li key={i} class={entry.what}>
          <p class="quiet-text">
            <Time ms={entry.time_ms} /> · {actorText(entry.actor)}
          </p>
          <p>{entry.words}</p>
        </li>
      ))}
    </ol>
  );
}
