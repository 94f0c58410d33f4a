import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { capture, type Pair } from '../support/capture.ts';
import { at } from '../support/forms.ts';
import { serve } from '../support/server.ts';

const path = '/test/websocket';
const size = 3;

const who = fc.integer({ min: 0, max: size - 1 });
const name = fc.constantFrom('a', 'b', 'c');
const step = fc.oneof(
  fc.record({ kind: fc.constant('store' as const), who, name }),
  fc.record({ kind: fc.constant('unstore' as const), who, name }),
  fc.record({ kind: fc.constant('pushToName' as const), who, name }),
  fc.record({ kind: fc.constant('join' as const), who, name }),
  fc.record({ kind: fc.constant('join' as const), who, name }),
  fc.record({ kind: fc.constant('leave' as const), who, name }),
  fc.record({ kind: fc.constant('pushToGroup' as const), who, name }),
  fc.record({ kind: fc.constant('removeGroup' as const), who, name }),
  fc.record({ kind: fc.constant('retireGroup' as const), who, name }),
  fc.record({ kind: fc.constant('broadcast' as const), who, name }),
  fc.record({ kind: fc.constant('push' as const), who, name }),
  fc.record({ kind: fc.constant('close' as const), who, name }),
  fc.record({ kind: fc.constant('closeStored' as const), who, name }),
  fc.record({ kind: fc.constant('closeGroup' as const), who, name }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

interface Expectation {
  status?: string;
  count?: number;
}

/** What the specification says about three connections, three names and three groups. */
class Model {
  readonly open = new Set(Array.from({ length: size }, (_, index) => index));
  readonly names = new Map<string, number>();
  readonly groups = new Map<string, Set<number>>();
  readonly retired = new Set<string>();
  readonly inboxes: string[][] = Array.from({ length: size }, () => []);

  does({ kind, who, name }: Step, text: string): Expectation {
    const group = this.groups.get(name);
    const owner = this.names.get(name);
    switch (kind) {
      case 'store':
        if (!this.open.has(who)) return { status: 'closed' };
        this.names.set(name, who);
        return { status: 'ok' };
      case 'unstore':
        return { status: this.names.delete(name) ? 'ok' : 'unknown' };
      case 'pushToName':
        if (owner === undefined) return { status: 'unknown', count: 0 };
        this.inboxes[owner]?.push(text);
        return { status: 'delivered', count: 1 };
      case 'join':
        if (!this.open.has(who)) return { status: 'closed' };
        if (this.retired.has(name)) return { status: 'retired' };
        this.groups.set(name, (group ?? new Set()).add(who));
        return { status: 'ok' };
      case 'leave':
        if (!this.open.has(who)) return { status: 'closed' };
        if (group === undefined) return { status: 'unknown' };
        return { status: group.delete(who) ? 'ok' : 'not-a-member' };
      case 'pushToGroup':
        if (group === undefined) return { status: 'unknown', count: 0 };
        for (const member of group) this.inboxes[member]?.push(text);
        return { count: group.size };
      case 'retireGroup':
      case 'removeGroup':
        // A name can be retired before its group exists: it is refused from then on.
        if (kind === 'retireGroup') this.retired.add(name);
        if (group === undefined) return { status: 'unknown' };
        this.groups.delete(name);
        return { status: 'ok' };
      case 'broadcast':
        for (const member of this.open) this.inboxes[member]?.push(text);
        return { count: this.open.size };
      case 'push':
        if (!this.open.has(who)) return { status: 'closed', count: 0 };
        this.inboxes[who]?.push(text);
        return { status: 'delivered', count: 1 };
      case 'close':
        if (!this.open.has(who)) return { status: 'closed' };
        this.#purge(who);
        return { status: 'ok' };
      case 'closeStored':
        if (owner === undefined) return { status: 'unknown' };
        this.#purge(owner);
        return { status: 'ok' };
      case 'closeGroup':
        if (group === undefined) return { status: 'unknown' };
        this.groups.delete(name);
        for (const member of group) this.#purge(member);
        return { status: 'ok', count: group.size };
    }
  }

  #purge(member: number): void {
    this.open.delete(member);
    for (const [name, owner] of this.names) if (owner === member) this.names.delete(name);
    for (const group of this.groups.values()) group.delete(member);
  }
}

/** The same step on the server; names are made unique to the run by their suffix. */
function perform(pairs: Pair[], { kind, who, name }: Step, text: string, suffix: string): unknown {
  const connection = pairs[who]?.connection;
  if (connection === undefined) throw new Error('no such connection');
  const target = `${name}${suffix}`;
  switch (kind) {
    case 'store':
      return connection.storeConnection(target);
    case 'unstore':
      return connection.removeStoredConnection(target);
    case 'pushToName':
      return connection.pushTextToConnection(target, text);
    case 'join':
      return connection.addConnectionToGroup(target);
    case 'leave':
      return connection.removeConnectionFromGroup(target);
    case 'pushToGroup':
      return connection.pushTextToGroup(target, text);
    case 'removeGroup':
      return connection.removeConnectionGroup(target);
    case 'retireGroup':
      return connection.removeConnectionGroup(target, { retire: true });
    case 'broadcast':
      return connection.broadcastText(text);
    case 'push':
      return connection.pushText(text);
    case 'close':
      return connection.closeConnection();
    case 'closeStored':
      return connection.closeStoredConnection(target);
    case 'closeGroup':
      return connection.closeConnectionGroup(target);
  }
}

describe('all functions together', () => {
  it('answer and deliver as the specification says, in any order (property)', { timeout: 30_000 }, async () => {
    const { service, pair } = capture(at(path));
    const server = await serve([service]);
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        run += 1;
        const model = new Model();
        const pairs: Pair[] = [];
        for (let index = 0; index < size; index += 1) pairs.push(await pair(server, path));

        for (const [index, each] of steps.entries()) {
          const text = `${run}/${index}`;
          const expected = model.does(each, text);
          expect(await perform(pairs, each, text, ` ${run}`), `${index}: ${each.kind}`).toMatchObject(expected);
        }

        for (const [index, { client, connection }] of pairs.entries()) {
          expect(connection.isOpen).toBe(model.open.has(index));
          for (const [group, members] of model.groups) {
            expect(connection.isMember(`${group} ${run}`)).toBe(members.has(index));
          }
          // The close frame stands behind whatever was delivered.
          connection.closeConnection();
          expect(await client.untilClosed()).toEqual(model.inboxes[index]);
        }
      }),
      { numRuns: 80 },
    );
  });
});
