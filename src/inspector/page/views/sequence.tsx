/** Who sent what to whom: a sequence diagram of the latest events, or the same as a table. */
import { cut, widthOf } from '../chart/text.ts';
import { stepsOf } from '../state/focus.ts';
import { nameOfActor, type Focus, type State } from '../state/model.ts';
import { mostMessages, sequenceDiagram, type Message, type SequenceDiagram } from '../state/sequence.ts';
import { Picture } from './picture.tsx';

const row = 30;
const head = 44;
const longestName = 18;
const longestText = 30;

export function Sequence({ state, focus }: { readonly state: State; readonly focus: Focus }) {
  const { pausedAt, moment } = focus;
  const until = Math.min(pausedAt ?? Infinity, moment ?? Infinity);
  const steps = stepsOf(focus).filter(({ began }) => began <= until);
  const diagram = sequenceDiagram(steps, (sessionId) => nameOfActor(state, sessionId), focus.facts?.actors);
  return (
    <Picture
      title="Sequence of events"
      level={3}
      aside={<p class="note">the latest {mostMessages} at most</p>}
      picture={() => <SequencePicture diagram={diagram} />}
      table={() => <SequenceTable diagram={diagram} />}
    />
  );
}

function SequencePicture({ diagram: { lifelines, messages } }: { readonly diagram: SequenceDiagram }) {
  if (messages.length === 0) return <p class="note">No event has been sent yet.</p>;
  const gap = Math.max(170, ...messages.map(({ text }) => widthOf(cut(text, longestText)) + 24));
  const width = gap * lifelines.length;
  const height = head + messages.length * row + 16;
  const x = (place: number): number => gap / 2 + place * gap;
  return (
    <div class="scroll tall" tabIndex={0} role="region" aria-label="Sequence of events, scrollable picture">
      <svg
        class="sequence"
        role="img"
        aria-label={`${messages.length} events between ${lifelines.map(({ name }) => name).join(', ')}; the table has them all`}
        width={width}
        height={height}
        viewBox={`0 0 ${width} ${height}`}
      >
        <defs>
          <marker
            id="message"
            viewBox="0 0 8 8"
            refX="7"
            refY="4"
            markerWidth="8"
            markerHeight="8"
            orient="auto-start-reverse"
          >
            <path d="M0,0.5 L7.5,4 L0,7.5 z" class="head" />
          </marker>
        </defs>
        {lifelines.map(({ id, name }, place) => (
          <g key={id} class="lifeline">
            <title>{name}</title>
            <line x1={x(place)} x2={x(place)} y1={head - 10} y2={height} />
            <text x={x(place)} y={20} text-anchor="middle">
              {cut(name, longestName)}
            </text>
          </g>
        ))}
        {messages.map((message, index) => (
          <MessageArrow key={message.moment} message={message} y={head + index * row + 20} x={x} />
        ))}
      </svg>
    </div>
  );
}

function MessageArrow(properties: {
  readonly message: Message;
  readonly y: number;
  readonly x: (place: number) => number;
}) {
  const { message, y, x } = properties;
  const [from, to] = [x(message.from), x(message.to)];
  const isOwn = message.from === message.to;
  const d = isOwn ? `M${from},${y - 4} h24 v10 h-22` : `M${from},${y} L${to},${y}`;
  return (
    <g class="message">
      <title>{`${message.time} ${message.text}`}</title>
      <path d={d} marker-end="url(#message)" />
      <text x={isOwn ? from + 30 : (from + to) / 2} y={isOwn ? y + 4 : y - 5} text-anchor={isOwn ? 'start' : 'middle'}>
        {cut(message.text, longestText)}
      </text>
    </g>
  );
}

function SequenceTable({ diagram: { lifelines, messages } }: { readonly diagram: SequenceDiagram }) {
  return (
    <div class="scroll tall" tabIndex={0} role="region" aria-label="Sequence of events, as a table">
      <table>
        <thead>
          <tr>
            <th scope="col">Time</th>
            <th scope="col">From</th>
            <th scope="col">To</th>
            <th scope="col">Event</th>
          </tr>
        </thead>
        <tbody>
          {messages.map(({ moment, time, from, to, text }) => (
            <tr key={moment}>
              <td>{time}</td>
              <td>{lifelines[from]?.name}</td>
              <td>{lifelines[to]?.name}</td>
              <th scope="row">{text}</th>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
