/** What the actors did, the latest first: filtered, paused, and the way to any moment of it. */
import { useState } from 'preact/hooks';
import { stepsOf } from '../state/focus.ts';
import { everything, logOf, titleOfStep } from '../state/log.ts';
import { nameOfActor, type Focus, type State } from '../state/model.ts';
import { shortTextOfValue, textOfDescribed, timeOf } from '../state/value.ts';
import type { Step } from '../state/watched.ts';
import { useDispatch } from './context.ts';
import { Rows } from './rows.tsx';

export function Log({ state, focus }: { readonly state: State; readonly focus: Focus }) {
  const dispatch = useDispatch();
  const [filter, setFilter] = useState(everything);
  const steps = stepsOf(focus);
  const shown = logOf(steps, filter, focus.pausedAt);
  const forgotten = Array.from(focus.watched.values()).reduce((sum, { steps }) => sum + steps.dropped, 0);
  const chosen = focus.moment === undefined ? undefined : steps.find(({ taken }) => taken === focus.moment);
  const isPaused = focus.pausedAt !== undefined;
  return (
    <section class="panel" aria-label="Event log">
      <div class="panel-head">
        <h3>Event log</h3>
        <p class="note">
          {shown.length} of {steps.length} steps{forgotten > 0 && `, ${forgotten} older ones are forgotten`}
        </p>
        <button
          type="button"
          class="quiet"
          aria-pressed={isPaused}
          onClick={() => dispatch({ type: isPaused ? 'log.resumed' : 'log.paused' })}
        >
          Pause
        </button>
      </div>
      <form class="filters" onSubmit={(event) => event.preventDefault()}>
        <label>
          Filter
          <input
            type="search"
            placeholder="any text"
            value={filter.text}
            onInput={({ currentTarget }) => setFilter({ ...filter, text: currentTarget.value })}
          />
        </label>
        <label>
          Actor
          <select
            value={filter.sessionId ?? ''}
            onChange={({ currentTarget }) => setFilter({ ...filter, sessionId: currentTarget.value || undefined })}
          >
            <option value="">all</option>
            {Array.from(focus.watched.values(), ({ sessionId, name }) => (
              <option key={sessionId} value={sessionId}>
                {nameOfActor(state, sessionId) ?? name}
              </option>
            ))}
          </select>
        </label>
        <label class="check">
          <input
            type="checkbox"
            checked={filter.onlyChanges}
            onChange={({ currentTarget }) => setFilter({ ...filter, onlyChanges: currentTarget.checked })}
          />
          Only changes of state
        </label>
      </form>
      {shown.length === 0 && <p class="note">{steps.length === 0 ? 'Nothing has happened yet.' : 'Nothing fits.'}</p>}
      <Rows
        label="Steps, the latest first"
        items={shown}
        rowHeight={36}
        keyOf={({ began }) => began}
        row={(step) => (
          <StepRow
            step={step}
            name={nameOfActor(state, step.sessionId) ?? step.sessionId}
            isChosen={step === chosen}
            onChoose={() => dispatch({ type: 'moment.chosen', moment: step.taken })}
          />
        )}
      />
      {chosen !== undefined && !chosen.isFound && <StepDetails step={chosen} />}
    </section>
  );
}

interface StepRowProperties {
  readonly step: Step;
  readonly name: string;
  readonly isChosen: boolean;
  readonly onChoose: () => void;
}

function StepRow({ step, name, isChosen, onChoose }: StepRowProperties) {
  const { at, snapshot } = step;
  const value = shortTextOfValue(snapshot?.value);
  return (
    <button type="button" class="step" aria-pressed={isChosen} disabled={snapshot === undefined} onClick={onChoose}>
      <time>{timeOf(at)}</time> <strong>{titleOfStep(step)}</strong> <span class="note">{name}</span>{' '}
      {value !== '' && <span class="note">→ {value}</span>}
    </button>
  );
}

function StepDetails({ step }: { readonly step: Step }) {
  return (
    <details open class="details">
      <summary>The event at {timeOf(step.at)}</summary>
      <pre tabIndex={0}>{textOfDescribed(step.event)}</pre>
    </details>
  );
}
