/**
 * The state of every connection on the server, as the server tells it: one JSON
 * line per change, several lines to a message. Holds what the page shows, and
 * not more than that.
 */
import { createSocket } from './socket.js';

const maxRows = 200;
/** A new list is asked for at most this often, however much was skipped. */
const relistMs = 2_000;

/** Calls of `on`: line(line), opened(), lost(retryInMs), rows(rows, hasMore). */
export function createFeed(url, on) {
  const rows = new Map();
  let hasMore = false;
  let relisting;

  const socket = createSocket(
    () => url,
    {
      opened() {
        on.opened();
      },
      text(data) {
        for (const text of data.split('\n')) take(JSON.parse(text));
        on.rows(rows, hasMore);
      },
      closed({ retryInMs }) {
        rows.clear();
        hasMore = false;
        on.rows(rows, false);
        on.lost(retryInMs);
      },
    },
    { always: true },
  );

  function take(line) {
    switch (line.change) {
      case 'listing':
        rows.clear();
        hasMore = line.more;
        return;
      case 'skipped':
        relisting ??= setTimeout(() => {
          relisting = undefined;
          socket.send('list');
        }, relistMs);
        return;
      case 'closed':
        rows.delete(line.id);
        break;
      case 'changed':
      case 'behaving':
        if (rows.has(line.id)) rows.set(line.id, { ...rows.get(line.id), ...line });
        break;
      default:
        if (rows.size < maxRows) rows.set(line.id, line);
        else hasMore = true;
    }
    on.line(line);
  }

  return {
    connect: () => socket.connect(),
    isOpen: () => socket.isOpen,
    find: (id) => rows.get(id),
  };
}

export function seconds(ms) {
  return `${(ms / 1000).toFixed(1)} s`;
}
