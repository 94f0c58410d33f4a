/** A chart as a table: every state, and every transition that leaves it, with its actions. */
import type { Graph, GraphState, GraphTransition } from '../../protocol.ts';
import { nameOfState, statesOf } from '../chart/graph.ts';

interface ChartTableProperties {
  readonly title: string;
  readonly graph: Graph;
  readonly active: ReadonlySet<string>;
  readonly last: ReadonlySet<string>;
}

export function ChartTable({ title, graph, active, last }: ChartTableProperties) {
  const states = Array.from(statesOf(graph.root)).filter(
    ({ id }) => id !== graph.root.id || graph.root.transitions.length > 0,
  );
  return (
    <div class="scroll tall chart-table" tabIndex={0} role="region" aria-label={`${title}, as a table`}>
      <table>
        <thead>
          <tr>
            <th scope="col">State</th>
            <th scope="col">Transitions</th>
          </tr>
        </thead>
        <tbody>
          {states.map((state) => (
            <tr key={state.id} class={active.has(state.id) ? 'active' : ''}>
              <th scope="row">
                {nameOfState(graph, state.id)}
                <span class="does"> {whatIs(state, active)}</span>
                {state.description !== undefined && <p class="note">{state.description}</p>}
                {state.entry.length > 0 && <p class="does">entry: {state.entry.join(', ')}</p>}
                {state.exit.length > 0 && <p class="does">exit: {state.exit.join(', ')}</p>}
                {state.invoke.map(({ id, src }) => (
                  <p key={id} class="does">
                    invokes {src}
                  </p>
                ))}
              </th>
              <td>
                <ul>
                  {state.transitions.map((transition) => (
                    <li key={transition.id} class={last.has(transition.id) ? 'taken' : ''}>
                      {textOf(graph, transition)}
                      {last.has(transition.id) && ' (just taken)'}
                    </li>
                  ))}
                </ul>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {graph.isTruncated && <p class="note">Not all of it is here: the chart is very large.</p>}
    </div>
  );
}

function whatIs({ id, kind }: GraphState, active: ReadonlySet<string>): string {
  return [active.has(id) ? 'active' : '', kind === 'atomic' ? '' : kind].filter(Boolean).join(', ');
}

function textOf(graph: Graph, { label, guard, targets, actions }: GraphTransition): string {
  const condition = guard === undefined ? '' : ` [${guard}]`;
  const where = targets.length === 0 ? '' : ` → ${targets.map((target) => nameOfState(graph, target)).join(' and ')}`;
  return `${label}${condition}${where}${actions.length === 0 ? '' : ` / ${actions.join(', ')}`}`;
}
