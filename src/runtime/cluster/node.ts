/** This program as one node of several: joins the link, the names, the topics and the questions. */
import { randomBytes } from 'node:crypto';
import type { AnyActorRef } from 'xstate';
import type { Backplane, BackplaneLink, DirectOutcome, Generation, Topic } from '../../backplane/contract.ts';
import type { Frame } from '../../delivery/frame.ts';
import type { Except } from '../../service/connection.ts';
import type { Delivery } from '../../service/outcome.ts';
import type { Events } from '../../telemetry/events.ts';
import type { Clock } from '../clock.ts';
import type { LiveConnection } from '../connection.ts';
import type { Relay } from '../realm.ts';
import type { Registries } from '../registries.ts';
import { ask } from '../registry.ts';
import type { LiveService } from '../service.ts';
import { Claims } from './claims.ts';
import { ClusterFunctions } from './functions.ts';
import { Interest } from './interest.ts';
import { BackplaneLife, type Repaired } from './life.ts';
import { ALL_NODES, nodeTopic, Survey, type Sources } from './survey.ts';
import { readMessage } from './wire.ts';

export interface NodeSetting {
  readonly backplane: Backplane;
  readonly parent: AnyActorRef;
  readonly clock: Clock;
  readonly events: Events;
  readonly registries: Registries;
  readonly sources: Sources;
  service(name: string): LiveService | undefined;
}

/** New with each process: 64 random bits. */
export function newNodeId(): string {
  return randomBytes(8).toString('hex');
}

export class ClusterNode implements Relay {
  readonly id = newNodeId();
  readonly life: BackplaneLife;
  readonly functions: ClusterFunctions;
  readonly interest: Interest;
  readonly survey: Survey;
  readonly #claims: Claims;
  /** How many of that name have members: one that drains may be there beside its replacement. */
  readonly #peopled = new Map<string, number>();
  readonly #setting: NodeSetting;

  constructor(setting: NodeSetting) {
    this.#setting = setting;
    const { backplane, parent, clock, events, registries, sources } = setting;
    const link = (): BackplaneLink | undefined => this.life.link;
    this.interest = new Interest({ clock, link, removed: (group, removal) => this.#dropMembers(group, removal) });
    this.#claims = new Claims(registries.names, events, link);
    const { interest } = this;
    this.functions = new ClusterFunctions({ ...registries, events, claims: this.#claims, interest, link });
    this.survey = new Survey({ nodeId: this.id, clock, sources, link });
    this.life = new BackplaneLife({
      backplane,
      nodeId: this.id,
      parent,
      clock,
      events,
      sink: {
        message: (topic, payload) => this.#message(topic, payload),
        direct: (name, connectionId, payload) => this.#direct(name, connectionId, payload),
        nameLost: (name, connectionId, epoch, why) => this.#claims.lost(name, connectionId, epoch, why),
        groupRemoved: (group, removal) => {
          if (this.interest.learn(group, removal) || removal.retired) this.#dropMembers(group, removal);
        },
      },
      repair: (used) => this.#repair(used),
      resumed: (used) => {
        this.interest.resume(used);
        this.#claims.resume(used);
      },
      audit: (used) => {
        this.interest.resume(used);
        return this.#claims.restore(used);
      },
    });
  }

  start(): void {
    this.life.actor.start();
  }

  peopled(service: string): void {
    this.#peopled.set(service, (this.#peopled.get(service) ?? 0) + 1);
    void this.interest.join(`s:${service}`);
  }

  deserted(service: string): void {
    const left = (this.#peopled.get(service) ?? 0) - 1;
    if (left > 0) return void this.#peopled.set(service, left);
    this.#peopled.delete(service);
    this.interest.leave(`s:${service}`);
  }

  broadcast(name: string, service: string, frame: Frame, options: Except | undefined, here: Delivery): Delivery {
    return this.functions.relayed(name, `s:${service}`, service, frame, options, here);
  }

  /** Leaves the cluster; resolves when nothing of it is left. */
  async stop(): Promise<void> {
    await this.life.stop();
    this.survey.stop();
    this.interest.clear();
    this.#claims.clear();
  }

  async #repair(link: BackplaneLink): Promise<Repaired> {
    await link.subscribe([ALL_NODES, nodeTopic(this.id)]);
    const removed = await this.interest.repair(link);
    const fenced = await this.#claims.repair(link);
    return { fenced, removed };
  }

  #message(topic: Topic, payload: Uint8Array): void {
    const message = readMessage(payload);
    if (message === undefined) return;
    const target = topic.slice(2);
    switch (message.kind) {
      case 'push':
        if (topic.startsWith('g:')) {
          const { frame, except } = message;
          const nobody = { known: false, delivered: 0, accepted: 0, missed: 0 };
          ask(this.#setting.registries.groups, { type: 'group.push', group: target, frame, except }, nobody);
        } else if (topic.startsWith('s:')) this.#setting.service(target)?.receive(message.frame, message.except);
        break;
      case 'close':
        if (!topic.startsWith('g:')) break;
        for (const member of this.#takeMembers(target, false)) member.requestClose(message.code, message.reason);
        break;
      case 'ask':
        this.survey.asked(message.value);
        break;
      case 'answer':
        this.survey.answered(message.value);
        break;
    }
  }

  #direct(name: string, connectionId: string, payload: Uint8Array): DirectOutcome {
    const message = readMessage(payload);
    if (message?.kind !== 'push' && message?.kind !== 'close') return 'closed';
    const connection = this.#claims.get(name)?.connection;
    if (connection?.id !== connectionId) {
      // The engine knows of a claim whose answer is not here yet.
      const settled = this.#claims.settled(name);
      if (settled !== undefined) {
        void settled.then(() => this.#direct(name, connectionId, payload));
        return 'accepted';
      }
    }
    if (connection === undefined) return 'moved';
    if (message.kind === 'push') return connection.deliver(message.frame);
    this.#claims.unbind(name);
    this.#claims.release(name, connection.id);
    connection.requestClose(message.code, message.reason);
    return 'delivered';
  }

  #dropMembers(group: string, { retired }: Generation): void {
    this.#takeMembers(group, retired);
  }

  #takeMembers(group: string, retire: boolean): readonly LiveConnection[] {
    const members = ask(this.#setting.registries.groups, { type: 'group.remove', group, retire }, 'unknown');
    this.interest.leave(`g:${group}`);
    return members === 'unknown' ? [] : members;
  }
}
