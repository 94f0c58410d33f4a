/** Puts the page together: three panels, the feed of states, the table and the form that pushes. */
import { createFeed, seconds } from './feed.js';
import { setUpPush } from './orders.js';
import { createPanel } from './panel.js';
import { machineOf } from './states.js';
import { createTable } from './table.js';

const byId = (id) => document.getElementById(id);
const webSocketUrl = (path) => `${location.origin.replace(/^http/, 'ws')}${path}`;

const mine = new Set();
const panels = [];

const table = createTable({
  body: byId('connections-rows'),
  count: byId('connections-count'),
  empty: byId('connections-empty'),
  isMine: (id) => mine.has(id),
});

const feed = createFeed(webSocketUrl('/showcase/states'), {
  opened: () => showServer('Connected to the server', 'well'),
  line: (line) => panels.forEach((panel) => panel.take(line)),
  rows: (rows, hasMore) => table.show(rows, hasMore),
  lost(retryInMs) {
    showServer(`The server does not answer. Trying again in ${seconds(retryInMs)}.`, 'lost');
    panels.forEach((panel) => panel.feedLost());
  },
});

function showServer(text, mood) {
  byId('server-text').textContent = text;
  byId('server').dataset.mood = mood;
}

const remember = (id) => {
  mine.add(id);
};
const greetedId = (text) => /^You are connection ([\w-]+)\./.exec(text)?.[1];

panels.push(
  createPanel({
    root: byId('hello'),
    name: 'hello',
    feed,
    urlOf: () => webSocketUrl('/test/websocket'),
    // The opener of a connection reads its own "joined" before anybody else's.
    idIn: (text) => /^([\w-]+) joined$/.exec(text)?.[1],
    onId: remember,
  }),
  createPanel({
    root: byId('chat'),
    name: 'chat',
    feed,
    urlOf: () => webSocketUrl(`/chat/${encodeURIComponent(byId('chat-room').value.trim() || 'lobby')}`),
    idIn: greetedId,
    machine: {
      name: 'machine',
      label: 'the service’s own machine',
      steps: ['naming', '→', { name: 'present', steps: ['chatting', '⇄', 'muted'] }, '→', 'left'],
    },
    onId: remember,
    onState(line) {
      const labels = { naming: 'Your name', muted: 'Message (you are muted)' };
      byId('chat').querySelector('[data-part="say-label"]').textContent = labels[machineOf(line)] ?? 'Message';
    },
  }),
  createPanel({
    root: byId('orders'),
    name: 'orders',
    feed,
    urlOf: () => webSocketUrl('/orders/updates'),
    idIn: greetedId,
    onId: remember,
  }),
);

setUpPush(byId('push'), byId('push-result'), byId('push-command'));
feed.connect();
