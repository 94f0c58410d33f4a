/**
 * Starts the page that Stately's inspector is shown in: the button, the frame, what is said beside it.
 *
 * Nothing is loaded and nothing is connected before the button is pressed. A page counts as Stately's by its origin and
 * by its place in our frame, and messages are addressed to that origin alone: the frame may show another page meanwhile.
 */
import { Bridge, type BridgeStatus } from './bridge.ts';
import { openSocket } from './socket.ts';
import { textOfLink } from './state/link.ts';

const stately = 'https://stately.ai';

function element(id: string): HTMLElement {
  const found = document.querySelector<HTMLElement>(`#${id}`);
  if (found === null) throw new Error(`there is no #${id}`);
  return found;
}

const link = element('link');
const offer = element('offer');
const stage = element('stage');
const hearing = element('hearing');
const place = element('frame');
const connect = element('connect');
const retry = element('retry');
const disconnect = element('disconnect');
let frame: HTMLIFrameElement | undefined;

const bridge = new Bridge({
  connect: (listener) => openSocket(listener),
  load() {
    frame = document.createElement('iframe');
    frame.title = 'Stately’s inspector';
    frame.referrerPolicy = 'no-referrer';
    frame.src = `${stately}/inspect`;
    place.replaceChildren(frame);
  },
  unload() {
    frame = undefined;
    place.replaceChildren();
  },
  post: (message) => frame?.contentWindow?.postMessage(message, stately),
  show,
  now: () => Date.now(),
  random: () => Math.random(),
  after: (ms, act) => void setTimeout(act, ms),
});

function show({ link: state, isHeard }: BridgeStatus): void {
  const isStarted = frame !== undefined;
  offer.hidden = isStarted;
  stage.hidden = !isStarted;
  retry.hidden = state?.phase !== 'lost';
  link.dataset['mood'] = state?.phase === 'open' ? 'well' : state?.phase === 'lost' ? 'lost' : 'waiting';
  const withoutLink = isStarted ? 'Waiting for the page of Stately’s' : 'Not connected';
  link.textContent = state === undefined ? withoutLink : textOfLink(state);
  hearing.textContent = isHeard
    ? 'Handed on to the page of Stately’s below.'
    : 'The page of Stately’s has not answered yet. It comes from the internet.';
}

addEventListener('message', ({ origin, source, data }: MessageEvent<unknown>) => {
  if (origin !== stately || frame === undefined || source !== frame.contentWindow) return;
  if (typeof data === 'object' && data !== null && 'type' in data && data.type === '@statelyai.connected')
    bridge.heard();
});
connect.addEventListener('click', () => {
  bridge.start();
  disconnect.focus();
});
retry.addEventListener('click', () => bridge.retryNow());
disconnect.addEventListener('click', () => {
  bridge.stop();
  connect.focus();
});
show({ link: undefined, isHeard: false });
