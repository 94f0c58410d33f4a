/** Now, or a moment in the past: says which, and goes from one to the other. */
import { momentBeside, momentsOf, placeOf } from '../state/focus.ts';
import { titleOfStep } from '../state/log.ts';
import type { Focus } from '../state/model.ts';
import { timeOf } from '../state/value.ts';
import { useDispatch } from './context.ts';

export function Timeline({ focus }: { readonly focus: Focus }) {
  const dispatch = useDispatch();
  const moments = momentsOf(focus);
  const { moment } = focus;
  const place = placeOf(moments, moment);
  const step = moments[place];
  const go = (by: number): void => dispatch({ type: 'moment.chosen', moment: momentBeside(focus, by) });
  const isPast = moment !== undefined;
  return (
    <div class={`timeline ${isPast ? 'is-past' : ''}`} role="group" aria-label="Moments">
      <button type="button" class="quiet" disabled={moments.length < 2 || place <= 0} onClick={() => go(-1)}>
        ← Step back
      </button>
      <button type="button" class="quiet" disabled={!isPast} onClick={() => go(1)}>
        Step forward →
      </button>
      <button type="button" disabled={!isPast} onClick={() => dispatch({ type: 'moment.chosen', moment: undefined })}>
        Now
      </button>
      <span role="status">
        {isPast && step !== undefined
          ? `The past: after ${titleOfStep(step)} at ${timeOf(step.at)}, ${moments.length - 1 - place} steps before the latest`
          : isPast
            ? 'The past: before the oldest step that is still known'
            : 'Shown as it is now'}
      </span>
    </div>
  );
}
