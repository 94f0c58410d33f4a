/**
 * The statechart of one connection, drawn with boxes and arrows. The active
 * states are lit; a state that was only passed through glows for a moment, since
 * handling a message takes microseconds and nobody would see it otherwise.
 */
import { element } from './element.js';
import { lifecycleOf, machineOf, namesIn } from './states.js';

const glowMs = 1_200;
const trailLength = 8;

/** The regions, as they are drawn from left to right. A state may have states inside. */
const connection = [
  {
    name: 'lifecycle',
    steps: [{ name: 'open', steps: ['opening', '→', 'ready'] }, '⇄', 'message', '→', 'closing', '→', 'closed'],
  },
  { name: 'outbound', steps: ['flowing', '⇄', 'congested'] },
  { name: 'liveness', steps: ['alive', '⇄', 'suspect'] },
];

/** `machine` is the region of the service's own machine, if it is one. */
export function createChart(label, machine) {
  const boxes = new Map();
  const glows = new Map();
  const now = element('p', { class: 'now' });
  const also = element('p', { class: 'also' });
  const trail = element('ol', { class: 'trail', 'aria-label': `${label}: states just visited` });
  const regions = machine ? [machine, ...connection] : connection;
  const root = element(
    'div',
    { class: 'chart', role: 'group', 'aria-label': `${label}: state of your connection` },
    now,
    also,
    element('div', { class: 'regions' }, ...regions.map(drawRegion)),
    trail,
  );
  let last = {};

  function drawRegion({ name, label, steps }) {
    const title = element('span', { class: 'region-name' }, label ?? name);
    return element('div', { class: 'region', 'data-region': name }, title, drawSteps(name, steps));
  }

  /** An arrow belongs to the box after it, so that a line never ends with one. */
  function drawSteps(region, steps) {
    const line = element('span', { class: 'steps' });
    let arrow = '';
    for (const step of steps) {
      if (step === '→' || step === '⇄') {
        arrow = step;
        continue;
      }
      const pair = element('span', { class: 'step' });
      if (arrow) pair.append(element('span', { class: 'arrow', 'aria-hidden': 'true' }, arrow));
      pair.append(typeof step === 'string' ? drawState(region, step) : drawCompound(region, step));
      line.append(pair);
      arrow = '';
    }
    return line;
  }

  function drawState(region, name) {
    const box = element('span', { class: 'state', 'data-state': name }, name);
    boxes.set(`${region}.${name}`, box);
    return box;
  }

  function drawCompound(region, { name, steps }) {
    const title = element('span', { class: 'compound-name' }, name);
    const box = element('span', { class: 'compound', 'data-state': name }, title, drawSteps(region, steps));
    boxes.set(`${region}.${name}`, box);
    return box;
  }

  function light(region, names) {
    for (const [key, box] of boxes) {
      if (!key.startsWith(`${region}.`)) continue;
      const isActive = names.includes(key.slice(region.length + 1));
      box.classList.toggle('active', isActive);
      if (isActive) box.setAttribute('aria-current', 'true');
      else box.removeAttribute('aria-current');
      if (isActive) glow(key, box);
    }
  }

  /** What was lit goes on glowing for a moment after it is left. */
  function glow(key, box) {
    clearTimeout(glows.get(key));
    box.classList.add('visited');
    const stop = () => box.classList.remove('visited');
    glows.set(key, setTimeout(stop, glowMs));
  }

  function visit(what, name) {
    if (name === undefined || last[what] === name) return;
    last[what] = name;
    trail.append(element('li', {}, name));
    while (trail.childElementCount > trailLength) trail.firstElementChild.remove();
  }

  return {
    root,

    /** Shows a line of the feed. */
    show(line) {
      const lifecycle = lifecycleOf(line);
      const own = machine && machineOf(line);
      light('lifecycle', [line.state, lifecycle]);
      // What is closed is in none of the states beside the lifecycle.
      const isClosed = line.state === 'closed';
      light('outbound', isClosed ? [] : [line.outbound]);
      light('liveness', isClosed ? [] : [line.liveness]);
      if (own) light(machine.name, namesIn(line.machine));
      visit('lifecycle', lifecycle);
      visit('machine', own);
      now.textContent = own ? `${own} · ${lifecycle}` : lifecycle;
      also.textContent = line.state === 'closed' ? 'nothing is left of it' : `${line.outbound} · ${line.liveness}`;
    },

    /** Shows what the browser knows by itself: nothing yet, or nothing any more. */
    clear(text) {
      for (const region of regions) light(region.name, []);
      now.textContent = text;
      also.textContent = '';
      last = {};
    },

    forgetTrail() {
      trail.replaceChildren();
    },
  };
}
