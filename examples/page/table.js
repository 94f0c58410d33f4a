/** The table of all connections. It is drawn at most once a frame, however fast the feed is. */
import { element } from './element.js';
import { lifecycleOf, machineOf } from './states.js';

export function createTable({ body, count, empty, isMine }) {
  /** Row elements by connection, so that a change touches its own cells only. */
  const drawn = new Map();
  let waiting;

  function draw() {
    const { rows, hasMore } = waiting;
    waiting = undefined;
    for (const [id, row] of drawn) {
      if (rows.has(id)) continue;
      row.remove();
      drawn.delete(id);
    }
    for (const [id, line] of rows) {
      let row = drawn.get(id);
      if (!row) {
        row = createRow(line);
        drawn.set(id, row);
        body.append(row);
      }
      fill(row, line);
    }
    empty.hidden = rows.size > 0;
    count.textContent = hasMore ? `more than ${rows.size}, the first are shown` : `${rows.size} open`;
  }

  function createRow({ id, service }) {
    // The roles are said aloud since a phone's layout takes them away from the elements.
    const name = element('th', { scope: 'row', role: 'rowheader' }, element('code', { title: id }, id.slice(0, 8)));
    const where = element('td', { role: 'cell' }, element('code', {}, service));
    const cells = ['state', 'outbound', 'liveness'].map((what) => element('td', { role: 'cell', 'data-cell': what }));
    return element('tr', { role: 'row', 'data-id': id }, name, where, ...cells);
  }

  function fill(row, line) {
    const machine = machineOf(line);
    set(row, 'state', machine ? `${machine} · ${lifecycleOf(line)}` : lifecycleOf(line));
    set(row, 'outbound', line.outbound);
    set(row, 'liveness', line.liveness);
    if (isMine(line.id) && !row.classList.contains('mine')) {
      row.classList.add('mine');
      row.querySelector('th').append(' ', element('span', { class: 'badge' }, 'yours'));
    }
  }

  function set(row, what, text) {
    const cell = row.querySelector(`[data-cell="${what}"]`);
    if (cell.textContent !== text) cell.textContent = text;
    cell.dataset.value = text;
  }

  return {
    show(rows, hasMore) {
      if (!waiting) requestAnimationFrame(draw);
      waiting = { rows, hasMore };
    },
  };
}
