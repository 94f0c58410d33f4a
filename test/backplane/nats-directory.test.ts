import { describe, expect, it } from 'vitest';
import type { Bucket } from '../../src/backplane/nats/bucket.ts';
import type { EngineClock } from '../../src/backplane/nats/clock.ts';
import { Directory } from '../../src/backplane/nats/directory.ts';

/** A bucket in memory; what is asked of it is answered in the next turn but one. */
function bucket() {
  const entries = new Map<string, { key: string; value: Uint8Array; revision: number }>();
  let latest = 0;
  const write = (key: string, value: Uint8Array): number => {
    entries.set(key, { key, value, revision: (latest += 1) });
    return latest;
  };
  return {
    read: async (key: string) => entries.get(key),
    put: async (key: string, value: Uint8Array) => write(key, value),
    replace: async (key: string, value: Uint8Array, revision: number) =>
      (entries.get(key)?.revision ?? 0) === revision ? write(key, value) : undefined,
    async *entries() {
      for (const key of [...entries.keys()]) yield entries.get(key)!;
    },
    async erase(revision: number) {
      const found = [...entries.values()].find((entry) => entry.revision === revision);
      return found !== undefined && entries.delete(found.key);
    },
  };
}

/** Directories of two nodes on one engine. What `one` knows of the time is far ahead of what `other` knows. */
function directories() {
  const [names, leases] = [bucket(), bucket()];
  const told: string[] = [];
  const of = (nodeId: string, time: number, namesOfIt: object = names): Directory =>
    new Directory({
      nodeId,
      names: namesOfIt as Bucket,
      leases: leases as unknown as Bucket,
      clock: { after: (previous: number) => Math.max(time, previous + 1) } as unknown as EngineClock,
      tell: (name, owner, why) => told.push(`${owner.nodeId} ${name} ${owner.connectionId} ${why}`),
    });
  return { names, told, of, one: of('one', 5000), other: of('other', 1000) };
}

describe('the directory of names in NATS', () => {
  it("lets epochs rise when a name is nobody's in between, though clocks differ", async () => {
    const { one, other } = directories();
    expect((await one.claim('ada', 'first')).epoch).toBe(5000);
    await one.release('ada', 'first');
    expect((await other.claim('ada', 'second')).epoch).toBe(5001);
    await one.remove('ada');
    expect((await other.claim('ada', 'third')).epoch).toBe(5002);
  });

  it('restores with an epoch above that of whoever had the name in between', async () => {
    const { one, other } = directories();
    const { epoch } = await other.claim('ada', 'first');
    await one.claim('ada', 'second');
    await one.release('ada', 'second');
    expect(await other.restore({ name: 'ada', connectionId: 'first', epoch })).toBe(5001);
  });

  it('takes no name from a node that comes back while names are swept', async () => {
    const { one, other } = directories();
    for (const name of ['ada', 'bob']) await one.claim(name, 'first');
    let isBack = false;
    await other.sweep(async () => {
      if (isBack) return true;
      isBack = true;
      await one.claim('bob', 'second');
      return false;
    });
    expect((await other.find('ada')).owner).toBeUndefined();
    expect((await other.find('bob')).owner).toMatchObject({ nodeId: 'one', connectionId: 'second' });
  });

  it('takes no name that the next link of its node restores while names are swept', async () => {
    const { one, other, of } = directories();
    const { epoch } = await one.claim('ada', 'first');
    const next = of('one', 6000);
    await other.sweep(async () => {
      await next.restore({ name: 'ada', connectionId: 'first', epoch });
      return false;
    });
    expect((await other.find('ada')).owner).toMatchObject({ nodeId: 'one', connectionId: 'first' });
  });

  it('lets no claim through that comes after its node has given it up, because its link had ended', async () => {
    // It took the name from its owner, for nobody, and the owner was not told.
    const { names, of, one, other } = directories();
    await other.claim('ada', 'first');
    const arriving = new Promise<() => Promise<number | undefined>>((resolve) => {
      const late = {
        ...names,
        replace(key: string, value: Uint8Array, revision: number) {
          resolve(() => names.replace(key, value, revision));
          return new Promise(() => {});
        },
      };
      void of('one', 5000, late).claim('ada', 'second');
    });
    const arrive = await arriving;
    expect(await one.release('ada', 'second')).toBe(false);
    expect(await arrive()).toBeUndefined();
    expect((await other.find('ada')).owner).toMatchObject({ nodeId: 'other', connectionId: 'first' });
  });

  it('does not answer from what it wrote a moment ago, when another node may have written since', async () => {
    const { names, told, of, other } = directories();
    // The answer to the deletion comes only when the other node has the name.
    const slow = {
      ...names,
      async erase(revision: number) {
        const isErased = await names.erase(revision);
        await other.claim('ada', 'second');
        return isErased;
      },
    };
    const one = of('one', 5000, slow);
    await one.claim('ada', 'first');
    const released = one.release('ada', 'first');
    const removed = one.remove('ada');
    expect([await released, await removed]).toEqual([true, true]);
    expect(told).toContain('other ada second removed');
  });
});
