/** Why a finding was told: what was measured, against what is usual, and how much of the score each part is. */
import type { FindingDetailAnswer } from '../api/triage-schema.js';
import { measuredText, moneyText } from './words.js';

type Rows = FindingDetailAnswer['attribution'];

export function Attribution({ rows }: { readonly rows: Rows }) {
  return (
    <section aria-labelledby="why">
      <h2 id="why">Why it was told</h2>
      <ol class="attribution">
        {rows.map((row) => (
          <li key={`${row.detector} ${row.feature}`}>
            <p>
              <b>{row.feature}</b>: {rowText(row)}
            </p>
            <Bar share={row.share} />
            <p class="quiet-text">
              {Math.round(row.share * 100)} % of the score, detector {row.detector}
            </p>
          </li>
        ))}
      </ol>
    </section>
  );
}

/** A budget is no habit: it was set. */
function rowText({ detector, observed, expected }: Rows[number]): string {
  if (detector !== 'budget' || observed === null || expected === null) return measuredText(observed, expected);
  return `${moneyText(observed)} spent; the budget is ${moneyText(expected)}`;
}

/** Says nothing that the words beside it do not. */
function Bar({ share }: { readonly share: number }) {
  return (
    <svg class="bar" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
      <rect class="bar-ground" width="100" height="4" />
      <rect class="bar-part" width={Math.max(0.5, 100 * share)} height="4" />
    </svg>
  );
}
