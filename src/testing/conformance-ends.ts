/** The end of a link, however it came: what was asked settles, and what is asked is refused. */
import assert from 'node:assert/strict';
import type { BackplaneLink, PushOutcome, Topic } from '../backplane/contract.ts';
import { bytes, fresh, within } from './conformance-node.ts';

/** Asks one of each that answers with a promise; resolves when all have settled. */
export function askEverything(link: BackplaneLink): Promise<PromiseSettledResult<unknown>[]> {
  const name = fresh('asked');
  return Promise.allSettled([
    link.beat(),
    link.nodes(),
    link.subscribe([`g:${name}`]),
    link.claim(name, 'connection'),
    link.release(name, 'connection'),
    link.remove(name),
    link.restore([{ name, connectionId: 'connection', epoch: 1 }]),
    link.removeGroup(name, false),
    link.generations([name]),
  ]);
}

/** The one that never rejects. */
export async function askPush(link: BackplaneLink): Promise<PushOutcome> {
  return link.push(fresh('asked'), bytes('message'));
}

/** The end of a link: all that is asked afterwards settles at once, and nothing is taken. */
export async function assertEnded(link: BackplaneLink): Promise<void> {
  const topic: Topic = `g:${fresh('ended')}`;
  assert.equal(link.publish(topic, bytes('message')), 'down');
  link.unsubscribe([topic]);
  assert.equal(await within(2_000, 'push() of an ended link', askPush(link)), 'down');
  const settled = await within(2_000, 'what is asked of an ended link', askEverything(link));
  const statuses = settled.map(({ status }) => status);
  assert.ok(!statuses.includes('fulfilled'), `all are rejected: ${statuses.join(', ')}`);
  link.disconnect();
}
