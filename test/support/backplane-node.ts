import { once, EventEmitter } from 'node:events';
import type { Backplane, BackplaneLink, BackplaneSink } from 'troupe/backplane';

/** What a node was told, in order. */
export type Told =
  | readonly ['message', topic: string, text: string]
  | readonly ['direct', name: string, connectionId: string, text: string]
  | readonly ['nameLost', name: string, connectionId: string, epoch: number, why: string]
  | readonly ['groupRemoved', group: string, generation: number, retired: boolean]
  | readonly ['lost'];

export interface TestNode {
  readonly id: string;
  readonly link: BackplaneLink;
  readonly told: Told[];
  /** Resolves when as many as that were told; with them. */
  heard(count: number): Promise<readonly Told[]>;
}

let nodes = 0;

/** A node that notes down what it is told. */
export async function connectNode(backplane: Backplane, id = `node-${(nodes += 1)}`): Promise<TestNode> {
  const told: Told[] = [];
  const more = new EventEmitter();
  const note = (one: Told): void => {
    told.push(one);
    more.emit('told');
  };
  const text = (payload: Uint8Array): string => Buffer.from(payload).toString();
  const sink: BackplaneSink = {
    message: (topic, payload) => note(['message', topic, text(payload)]),
    direct: (name, connectionId, payload) => {
      note(['direct', name, connectionId, text(payload)]);
      return 'delivered';
    },
    nameLost: (...lost) => note(['nameLost', ...lost]),
    groupRemoved: (group, { generation, retired }) => note(['groupRemoved', group, generation, retired]),
    lost: () => note(['lost']),
  };
  const link = await backplane.connect(id, sink, new AbortController().signal);
  return {
    id,
    link,
    told,
    async heard(count) {
      while (told.length < count) await once(more, 'told');
      return told;
    },
  };
}
