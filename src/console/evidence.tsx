/** The events that a finding rests on, and those around them. */
import type { EventAnswer, FindingEventsAnswer } from '../api/history-schema.js';
import { get } from './client.js';
import { useLoaded } from './load.js';
import { Time } from './marks.jsx';
import { countText, moneyText } from './words.js';

/** `lines`: a finding that has grown rests on more. */
export function Evidence({ id, lines }: { readonly id: string; readonly lines: number }) {
  const path = `/v1/findings/${encodeURIComponent(id)}/events`;
  const [events, reload] = useLoaded(() => get<FindingEventsAnswer>(path), [id, lines]);
  return (
    <section aria-labelledby="evidence">
      <h2 id="evidence">Evidence</h2>
      {events.state === 'loading' && <p class="loading">Reading the events…</p>}
      {events.state === 'failed' && (
        <div class="warning" role="alert">
          <p>The events could not be read: {events.failure.message}.</p>
          <button type="button" onClick={reload}>
            Try again
          </button>
        </div>
      )}
      {events.state === 'ready' && <Events answer={events.value} />}
    </section>
  );
}

function Events({ answer: { evidence, missing, around, note } }: { readonly answer: FindingEventsAnswer }) {
  return (
    <>
      {evidence.length > 0 && <EventTable name="Events that it rests on" events={evidence} />}
      {missing > 0 && (
        <p class="quiet-text">{countText(missing, 'record')} of the evidence: the clock's own, or no longer kept.</p>
      )}
      {around !== null && around.length > 0 && <EventTable name="Around them, of the same session" events={around} />}
      {note !== null && <p class="quiet-text">Nothing is shown around them: {note}.</p>}
    </>
  );
}

interface TableProps {
  readonly name: string;
  readonly events: readonly EventAnswer[];
}

function EventTable({ name, events }: TableProps) {
  return (
    // A wide table scrolls by itself, never the page; so it must be reachable by keyboard.
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reachable by keyboard
    <section class="scroll" tabIndex={0} aria-label={name}>
      <table>
        <caption>{name}</caption>
        <thead>
          <tr>
            {['Time', 'Agent', 'Operation', 'Endpoint', 'Target', 'Status', 'Cost'].map((head) => (
              <th key={head} scope="col">
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {events.map((event) => (
            <tr key={event.id}>
              <td>
                <Time ms={event.time_ms} />
              </td>
              <td>{event.agent}</td>
              <td>{event.operation}</td>
              <td>{event.endpoint}</td>
              <td>{event.target ?? '–'}</td>
              <td>{statusText(event)}</td>
              <td class="number">{event.cost_usd === null ? '–' : moneyText(event.cost_usd)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function statusText({ status, error_type: error }: EventAnswer): string {
  return error === null ? (status ?? '–') : `${status ?? ''} ${error}`;
}
