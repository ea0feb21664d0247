/** One finding: what happened, why it was told, what was done about it, and what to do now. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { FindingDetailAnswer, TimelineAnswer } from '../api/triage-schema.js';
import { Attribution } from './attribution.jsx';
import { get } from './client.js';
import { Comment } from './comment.jsx';
import { Evidence } from './evidence.jsx';
import { FindingActions } from './finding-actions.jsx';
import { KeyList, type KeyRows } from './key-list.jsx';
import { useKeys } from './keys.js';
import { useLoaded, useSoon } from './load.js';
import { SeverityMark, standingText, Time } from './marks.jsx';
import { Outcome } from './outcome.jsx';
import { usePerson } from './person.js';
import { go, queueLeft } from './place.js';
import { Timeline } from './timeline.jsx';
import { useUpdates } from './updates.js';
import { countText, plain } from './words.js';

interface FindingProps {
  readonly id: string;
  /** What to ask about at once; null: nothing. */
  readonly doing: string | null;
}

/** A finding that grows by the second is read no more often than a person can follow. */
const RELOAD_MS = 1_000;

const KEYS: KeyRows = [
  ['u', 'back to the queue'],
  ['?', 'these keys'],
];

export function FindingPage({ id, doing }: FindingProps) {
  const path = `/v1/findings/${encodeURIComponent(id)}`;
  const [hasKeys, setHasKeys] = useState(false);
  const [found, reload] = useLoaded(
    () => Promise.all([get<FindingDetailAnswer>(path), get<TimelineAnswer>(`${path}/timeline`)]),
    [id],
  );
  const finding = found.state === 'ready' ? found.value[0] : null;
  const reloadSoon = useSoon(reload, RELOAD_MS);
  useUpdates('now', (update) => {
    const isAbout = update.type === 'finding' ? update.finding.id === id : true;
    const isElsewhere = update.type === 'agent' && update.agent !== finding?.root;
    if (isAbout && !isElsewhere) reloadSoon();
  });
  useKeys({ u: () => go(queueLeft()), '?': () => setHasKeys(true) });
  return (
    <article class="page">
      <p>
        <a href={queueLeft()}>Back to the queue</a>
      </p>
      {found.state === 'loading' && <p class="loading">Loading the finding…</p>}
      {found.state === 'failed' && (
        <div class="warning" role="alert">
          <h1>This finding cannot be shown</h1>
          <p>
            {found.failure.message}. What helps: {found.failure.next}.
          </p>
          <button type="button" onClick={reload}>
            Try again
          </button>
        </div>
      )}
      {found.state === 'ready' && (
        <Parts finding={found.value[0]} timeline={found.value[1]} doing={doing} reload={reload} />
      )}
      {hasKeys && <KeyList rows={KEYS} onClose={() => setHasKeys(false)} />}
    </article>
  );
}

interface PartsProps {
  readonly finding: FindingDetailAnswer;
  readonly timeline: TimelineAnswer;
  readonly doing: string | null;
  readonly reload: () => void;
}

function Parts({ finding, timeline, doing, reload }: PartsProps) {
  const person = usePerson();
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${finding.agent}: ${plain(finding.kind)} · Killdeer`;
    // Whoever came by keyboard goes on from here.
    heading.current?.focus();
  }, [finding.id]);
  return (
    <>
      <header class="finding-head">
        <p>
          <SeverityMark severity={finding.severity} /> <span class="standing">{standingText(finding)}</span>
        </p>
        <h1 ref={heading} tabIndex={-1}>
          {finding.title}
        </h1>
        <Facts finding={finding} />
      </header>
      {person.isAnalyst && (
        <FindingActions
          finding={finding}
          doing={doing}
          reload={reload}
          onDone={() => doing !== null && go(`#/findings/${encodeURIComponent(finding.id)}`)}
        />
      )}
      <div class="columns">
        <div>
          <Outcome finding={finding} />
          <Attribution rows={finding.attribution} />
        </div>
        <section aria-labelledby="timeline">
          <h2 id="timeline">What happened</h2>
          <Timeline entries={timeline.entries} />
          {person.isAnalyst && <Comment finding={finding} reload={reload} />}
        </section>
      </div>
      <Evidence id={finding.id} lines={finding.lines} />
    </>
  );
}

function Facts({ finding }: { readonly finding: FindingDetailAnswer }) {
  const { agent, root, tenant } = finding;
  return (
    <dl class="facts">
      <Fact name="Agent">
        {agent}
        {root !== agent && `, of the tree of ${root}`}
        {tenant !== '' && `, tenant ${tenant}`}
      </Fact>
      <Fact name="Kind">{plain(finding.kind)}</Fact>
      <Fact name="Risk">{Math.round(finding.risk)} of 100</Fact>
      <Fact name="Raised">
        <Time ms={finding.raised_ms} />
      </Fact>
      <Fact name="Latest">
        <Time ms={finding.last_ms} />, told {finding.lines === 1 ? 'once' : countText(finding.lines, 'time')}
      </Fact>
      {finding.session !== null && <Fact name="Session">{finding.session}</Fact>}
      {finding.suppressed && <Fact name="Muted by">{finding.muted_by ?? 'a person'}</Fact>}
      {!finding.bound && <Fact name="Sender">not bound to the agent, so nothing is stopped by it</Fact>}
    </dl>
  );
}

function Fact({ name, children }: { readonly name: string; readonly children: preact.ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
