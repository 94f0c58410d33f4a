/** What is published: to whom it comes, to whom not, in which order. */
import assert from 'node:assert/strict';
import type { Topic } from '../backplane/contract.ts';
import type { ConformanceCase } from './conformance-case.ts';
import { bytes, type ConformanceNode, fresh, longestNames, oddNames, quiet, text } from './conformance-node.ts';

/** Publishes what must be taken: nothing here is too much for an engine. */
function publish({ link }: ConformanceNode, topic: Topic, payload: Uint8Array): void {
  assert.equal(link.publish(topic, payload), 'accepted');
}

function messages({ listener }: ConformanceNode): string[] {
  return listener.of('message').map(({ payload }) => text(payload));
}

export const topicCases: readonly ConformanceCase[] = [
  {
    name: 'subscribe: misses nothing that is published once it has resolved',
    async run(stage) {
      const [hearing, saying] = (await stage.nodes(2)) as [ConformanceNode, ConformanceNode];
      const topics = Array.from({ length: 30 }, (): Topic => `g:${fresh('group')}`);
      for (const topic of topics) {
        await hearing.link.subscribe([topic]);
        publish(saying, topic, bytes(topic));
      }
      await hearing.listener.until('message', topics.length);
      assert.deepEqual(messages(hearing), topics);
      assert.deepEqual(
        hearing.listener.of('message').map(({ topic }) => topic),
        topics,
      );
    },
  },
  {
    name: 'publish: arrives in order and once, at each of several nodes, from each of several nodes',
    async run(stage) {
      const nodes = await stage.nodes(4);
      const [first, second, ...hearing] = nodes as [ConformanceNode, ConformanceNode, ...ConformanceNode[]];
      const topic: Topic = `s:${fresh('service')}`;
      await Promise.all(hearing.map(({ link }) => link.subscribe([topic])));
      const count = 200;
      for (let index = 0; index < count; index++) {
        publish(first, topic, bytes(`first ${index}`));
        publish(second, topic, bytes(`second ${index}`));
      }
      for (const node of hearing) {
        await node.listener.until('message', 2 * count);
        await quiet(first, second, node);
        for (const who of ['first', 'second']) {
          const heard = messages(node).filter((message) => message.startsWith(who));
          assert.deepEqual(
            heard,
            Array.from({ length: count }, (_, index) => `${who} ${index}`),
          );
        }
      }
    },
  },
  {
    name: 'publish: never comes back to the node that published it',
    async run(stage) {
      const [one, other] = (await stage.nodes(2)) as [ConformanceNode, ConformanceNode];
      const topic: Topic = `g:${fresh('group')}`;
      await Promise.all([one, other].map(({ link }) => link.subscribe([topic])));
      for (let index = 0; index < 20; index++) publish(one, topic, bytes('own'));
      await other.listener.until('message', 20);
      publish(other, topic, bytes('other'));
      await one.listener.until('message', 1);
      await quiet(one, other);
      assert.deepEqual(messages(one), ['other']);
    },
  },
  {
    name: 'publish: comes to nobody who does not subscribe to that very topic',
    async run(stage) {
      const [saying, hearing, apart] = (await stage.nodes(3)) as [ConformanceNode, ConformanceNode, ConformanceNode];
      const name = fresh('name');
      const topic: Topic = `g:${name}`;
      const similar: Topic[] = [`s:${name}`, `n:${name}`, `g:${name}.`, `g:${name.toUpperCase()}`, `g:${name}*`, 'g:*'];
      await hearing.link.subscribe([topic]);
      await apart.link.subscribe(similar);
      publish(saying, topic, bytes('message'));
      publish(saying, `g:${name}*`, bytes('marker'));
      await hearing.listener.until('message', 1);
      await apart.listener.until('message', 1);
      await quiet(saying, hearing, apart);
      assert.deepEqual(messages(apart), ['marker']);
      assert.deepEqual(messages(hearing), ['message']);
    },
  },
  {
    name: 'unsubscribe: brings no more of that topic, and still all of the others',
    async run(stage) {
      const [saying, hearing] = (await stage.nodes(2)) as [ConformanceNode, ConformanceNode];
      const [left, kept]: [Topic, Topic] = [`g:${fresh('left')}`, `g:${fresh('kept')}`];
      await hearing.link.subscribe([left, kept]);
      publish(saying, left, bytes('before'));
      await hearing.listener.until('message', 1);
      hearing.link.unsubscribe([left]);
      // A round trip later it is known to the engine.
      await quiet(hearing);
      publish(saying, left, bytes('after'));
      publish(saying, kept, bytes('marker'));
      await hearing.listener.until('message', 2);
      await quiet(saying, hearing);
      assert.deepEqual(messages(hearing), ['before', 'marker']);
      await hearing.link.subscribe([left]);
      publish(saying, left, bytes('again'));
      await hearing.listener.until('message', 3);
    },
  },
  {
    name: 'topics: any characters, up to 520 bytes, each a topic of its own',
    async run(stage) {
      const [saying, hearing] = (await stage.nodes(2)) as [ConformanceNode, ConformanceNode];
      const names = [...oddNames(), ...longestNames().map((name) => name + 'z'.repeat(6))];
      const topics = names.flatMap((name): Topic[] => [`g:${name}`, `s:${name}`]);
      await hearing.link.subscribe(topics);
      for (const [index, topic] of topics.entries()) publish(saying, topic, bytes(index));
      const heard = await hearing.listener.until('message', topics.length);
      await quiet(saying, hearing);
      assert.equal(hearing.listener.of('message').length, topics.length);
      const byTopic = new Map(heard.map(({ topic, payload }) => [topic, text(payload)]));
      for (const [index, topic] of topics.entries()) assert.equal(byTopic.get(topic), String(index), topic);
    },
  },
  {
    name: 'payloads: arrive byte for byte, empty or large, and stay as they were',
    async run(stage) {
      const [saying, hearing] = (await stage.nodes(2)) as [ConformanceNode, ConformanceNode];
      const topic: Topic = `g:${fresh('group')}`;
      await hearing.link.subscribe([topic]);
      const every = Uint8Array.from({ length: 256 }, (_, index) => index);
      const large = Uint8Array.from({ length: 200_000 }, (_, index) => index % 251);
      // A part of a larger buffer, as payloads often are.
      const payloads = [new Uint8Array(0), every, large, every.subarray(13, 200), bytes('\r\n')];
      for (const payload of payloads) publish(saying, topic, payload);
      const heard = await hearing.listener.until('message', payloads.length);
      await quiet(saying, hearing);
      for (const [index, payload] of payloads.entries()) {
        const got = heard[index]?.payload;
        assert.ok(got instanceof Uint8Array);
        assert.equal(Buffer.compare(got, payload), 0, `payload ${index}`);
      }
    },
  },
  {
    name: 'subscribe: takes a thousand topics at once',
    async run(stage) {
      const [saying, hearing] = (await stage.nodes(2)) as [ConformanceNode, ConformanceNode];
      const group = fresh('group');
      const topics = Array.from({ length: 1_000 }, (_, index): Topic => `g:${group} ${index}`);
      await hearing.link.subscribe(topics);
      for (const topic of topics) publish(saying, topic, bytes('message'));
      await hearing.listener.until('message', topics.length);
      hearing.link.unsubscribe(topics);
    },
  },
];
