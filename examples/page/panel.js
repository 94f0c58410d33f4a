/** One of the three panels: a connection that a person opens, uses and closes, and its chart. */
import { createChart } from './chart.js';
import { element } from './element.js';
import { seconds } from './feed.js';
import { createSocket, describeClose } from './socket.js';

const maxLogEntries = 200;
const maxEarlyLines = 50;
const marks = { in: '←', out: '→', note: '·' };
const spoken = { in: 'received', out: 'sent', note: 'note' };

/**
 * `idIn` finds the connection's own id in the first message that the service
 * sends, so that the panel knows which lines of the feed are about itself.
 */
export function createPanel({ root, name, feed, urlOf, idIn, machine, onState = () => {}, onId = () => {} }) {
  const part = (called) => root.querySelector(`[data-part="${called}"]`);
  const toggle = part('toggle');
  const note = part('note');
  const log = part('log');
  const say = part('say');
  const input = say.querySelector('input');
  const send = say.querySelector('button');
  const chart = createChart(name, machine);
  part('chart').append(chart.root);

  let id;
  /** Changes that the feed told before the service said which connection this is. */
  let early = [];
  /** All that is known of this connection's states. */
  let states = {};
  let isWanted = false;

  const socket = createSocket(urlOf, {
    opened() {
      setConnected(true);
      note.textContent = '';
    },
    text(data) {
      if (id === undefined) learn(idIn(data));
      write('in', data);
    },
    closed({ code, reason, retryInMs }) {
      const wasOpen = !input.disabled;
      isWanted = retryInMs !== undefined;
      setConnected(false);
      const why = describeClose(code, reason);
      if (wasOpen) write('note', `Closed with ${why}.`);
      if (isWanted) {
        note.textContent = `Trying again in ${seconds(retryInMs)}.`;
        forget('lost');
      } else {
        note.textContent = wasOpen ? `Closed: ${why}.` : 'The server did not answer.';
        // The feed will tell the end; without it the page would go on showing a state of the past.
        if (!feed.isOpen()) forget('not connected');
      }
    },
  });

  function forget(text) {
    id = undefined;
    early = [];
    states = {};
    chart.clear(text);
  }

  function setConnected(isConnected) {
    input.disabled = !isConnected;
    send.disabled = !isConnected;
    label();
  }

  function label() {
    toggle.textContent = isWanted ? 'Disconnect' : 'Connect';
    toggle.setAttribute('aria-label', `${toggle.textContent} ${name}`);
    root.classList.toggle('connected', !input.disabled);
  }

  function learn(found) {
    if (found === undefined) return;
    id = found;
    onId(id);
    const mine = early.filter((line) => line.id === id);
    const current = feed.find(id);
    if (mine.length === 0 && current) mine.push(current);
    early = [];
    mine.forEach(show);
  }

  /** A line may tell a part only: what it leaves out is as it was. */
  function show(line) {
    states = { ...states, ...line };
    if (states.state === undefined) return;
    chart.show(states);
    onState(states);
  }

  function write(kind, text) {
    const mark = element('span', { class: 'mark', 'aria-hidden': 'true' }, marks[kind]);
    const entry = element('p', { class: `entry ${kind}` }, mark);
    entry.append(element('span', { class: 'hidden' }, `${spoken[kind]}: `), element('span', { class: 'text' }, text));
    const follows = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
    log.append(entry);
    while (log.childElementCount > maxLogEntries) log.firstElementChild.remove();
    if (follows) log.scrollTop = log.scrollHeight;
  }

  toggle.addEventListener('click', () => {
    if (isWanted) {
      isWanted = false;
      const wasOpen = socket.isOpen;
      socket.disconnect();
      if (!wasOpen) note.textContent = '';
    } else {
      isWanted = true;
      chart.forgetTrail();
      forget('connecting');
      note.textContent = '';
      socket.connect();
    }
    label();
  });

  say.addEventListener('submit', (event) => {
    event.preventDefault();
    const text = input.value;
    if (text === '' || !socket.send(text)) return;
    write('out', text);
    input.value = '';
  });

  chart.clear('not connected');
  label();

  return {
    take(line) {
      if (id === undefined) {
        if (isWanted && early.push(line) > maxEarlyLines) early.shift();
      } else if (line.id === id) show(line);
    },
    feedLost() {
      if (isWanted) chart.clear(socket.isOpen ? 'connected' : 'lost');
    },
  };
}
