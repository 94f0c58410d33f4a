import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { AnyStateNode } from 'xstate';
import { connectionMachine } from '../../machines/connection.ts';

// The picture is laid out by hand. What it says must be what the chart says: no state missing or invented, each
// inside its parent, each arrow a transition.

const picture = readFileSync(new URL('../../docs/images/connection.svg', import.meta.url), 'utf8');

/** All states of the chart, by the path that the picture names them by. */
const chart = new Map<string, AnyStateNode>();
function collect(node: AnyStateNode): void {
  chart.set(node.path.join('.'), node);
  for (const child of Object.values(node.states)) collect(child);
}
collect(connectionMachine.root as AnyStateNode);

interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

interface Group {
  readonly attributes: Readonly<Record<string, string>>;
  readonly content: string;
}

function attributesOf(tag: string): Record<string, string> {
  return Object.fromEntries([...tag.matchAll(/([\w-]+)="([^"]*)"/g)].map(([, name = '', value = '']) => [name, value]));
}

/** The `<g>` elements of one class; the picture nests none. */
function groups(kind: 'state' | 'initial' | 'transition'): Group[] {
  return [...picture.matchAll(/<g ([^>]*)>([\s\S]*?)<\/g>/g)]
    .map(([, tag = '', content = '']) => ({ attributes: attributesOf(tag), content }))
    .filter(({ attributes }) => attributes['class']?.split(' ').includes(kind));
}

function boxOf({ content }: Group): Box {
  const { x, y, width, height } = attributesOf(/<rect [^>]*>/.exec(content)?.[0] ?? '');
  const [left, top] = [Number(x), Number(y)];
  return { left, top, right: left + Number(width), bottom: top + Number(height) };
}

const drawn = groups('state').map((group) => ({
  path: group.attributes['data-state'] ?? 'no path',
  label: /<text class="label[^"]*"[^>]*>([^<]*)</.exec(group.content)?.[1],
  isFinal: group.content.includes('class="ring"'),
  box: boxOf(group),
}));

/** The events that stand at an arrow. */
function eventsOf({ content }: Group): string[] {
  return [...content.matchAll(/class="event">([^<]+)</g)].map(([, event = '']) => event);
}

const arrows = groups('transition').map((group) => ({
  from: group.attributes['data-from'] ?? 'nowhere',
  to: group.attributes['data-to'],
  events: eventsOf(group),
}));

function isWithin(path: string, ancestor: string): boolean {
  return ancestor === '' || path === ancestor || path.startsWith(`${ancestor}.`);
}

/** The targets of the transitions that `event` may cause in `from` or in a state within it; `''` stands for none. */
function targetsOf(from: string, event: string): string[] {
  return [...chart]
    .filter(([path]) => isWithin(path, from))
    .flatMap(([, node]) => node.transitions.get(event) ?? [])
    .flatMap(({ target }) => target?.map((node) => node.path.join('.')) ?? ['']);
}

/** Whether an arrow to `to` stands for a transition to `target`; one without `to` stays where it is. */
function leadsTo(target: string, to: string | undefined): boolean {
  return to === undefined ? target === '' : target !== '' && isWithin(target, to);
}

describe('the picture of the connection chart', () => {
  it('shows every state of the chart once, and no other', () => {
    expect(drawn.map(({ path }) => path).toSorted()).toEqual([...chart.keys()].toSorted());
  });

  it.each(drawn)('labels "$path" with its name', ({ path, label, isFinal }) => {
    expect(label).toBe(chart.get(path)?.key);
    expect(isFinal).toBe(chart.get(path)?.type === 'final');
  });

  it.each(drawn.filter(({ path }) => path !== ''))('draws "$path" inside its parent', ({ path, box }) => {
    const parent = drawn.find((one) => one.path === path.split('.').slice(0, -1).join('.'))!.box;
    expect(box.left).toBeGreaterThan(parent.left);
    expect(box.top).toBeGreaterThan(parent.top);
    expect(box.right).toBeLessThan(parent.right);
    expect(box.bottom).toBeLessThan(parent.bottom);
  });

  it('draws no state over another that it is not part of', () => {
    const overlapping = drawn.flatMap((one) =>
      drawn
        .filter(({ path }) => path < one.path && !isWithin(path, one.path) && !isWithin(one.path, path))
        .filter(
          ({ box }) =>
            box.left < one.box.right &&
            one.box.left < box.right &&
            box.top < one.box.bottom &&
            one.box.top < box.bottom,
        )
        .map(({ path }) => [one.path, path]),
    );
    expect(overlapping).toEqual([]);
  });

  it('marks where each state begins', () => {
    const begins = [...chart.values()]
      .filter(({ type, states }) => type === 'compound' && Object.keys(states).length > 0)
      .flatMap(({ initial }) => initial.target.map((node) => node.path.join('.')));
    expect(
      groups('initial')
        .map(({ attributes }) => attributes['data-to'] ?? 'nowhere')
        .toSorted(),
    ).toEqual(begins.toSorted());
  });

  it('draws no arrow that the chart does not have', () => {
    const invented = arrows.flatMap(({ from, to, events }) =>
      events
        .filter((event) => !targetsOf(from, event).some((target) => leadsTo(target, to)))
        .map((event) => `${from} to ${to} on ${event}`),
    );
    expect(invented).toEqual([]);
    expect(arrows.filter(({ events }) => events.length > 0).length).toBeGreaterThan(15);
  });

  it('has an arrow for every event that leads from one state to another', () => {
    const missing = [...chart].flatMap(([path, node]) =>
      [...node.transitions]
        .filter(([, transitions]) => transitions.some(({ target }) => target !== undefined))
        .filter(([event]) => !event.startsWith('xstate.done'))
        .filter(([event]) => !arrows.some((arrow) => isWithin(path, arrow.from) && arrow.events.includes(event)))
        .map(([event]) => `${path} on ${event}`),
    );
    expect(missing).toEqual([]);
  });

  it('leads to "closed" when "closing" is done', () => {
    const done = [...chart.get('connected.lifecycle.closing')!.transitions.values()].flat();
    expect(done.flatMap(({ target }) => target?.map(({ key }) => key) ?? [])).toEqual(['closed']);
    expect(arrows).toContainEqual({ from: 'connected.lifecycle.closing', to: 'closed', events: [] });
  });

  it('runs no script and fetches nothing', () => {
    expect(picture).not.toMatch(/<script|<foreignObject|\bon\w+="|href=|@import|url\((?!#)/);
  });
});
