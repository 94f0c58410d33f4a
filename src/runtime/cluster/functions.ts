/**
 * The functions of a node that has a backplane: what is local is done at once,
 * as on a single node; what concerns others goes through the link.
 *
 * Nothing waits for an engine that is away: it is answered `down`.
 */
import type { BackplaneLink, Topic } from '../../backplane/contract.ts';
import type { Frame } from '../../delivery/frame.ts';
import { checkClose, checkName } from '../../arguments.ts';
import type { Except } from '../../service/connection.ts';
import type { Answer, Delivery, Outcome, OutcomeStatus } from '../../service/outcome.ts';
import type { Events } from '../../telemetry/events.ts';
import type { LiveConnection } from '../connection.ts';
import { itemsOf } from '../few.ts';
import { deliveryOf, exceptedIds, Functions, NORMAL_CLOSURE, outcomeOf } from '../functions.ts';
import type { GroupsRef } from '../groups.ts';
import type { NamedConnectionsRef } from '../named-connections.ts';
import { ask } from '../registry.ts';
import type { Claims } from './claims.ts';
import type { Interest } from './interest.ts';
import { closeMessage, pushMessage } from './wire.ts';

export interface ClusterFunctionsSetting {
  readonly names: NamedConnectionsRef<LiveConnection>;
  readonly groups: GroupsRef<LiveConnection>;
  readonly events: Events;
  readonly claims: Claims;
  readonly interest: Interest;
  link(): BackplaneLink | undefined;
}

export class ClusterFunctions extends Functions {
  readonly #setting: ClusterFunctionsSetting;

  constructor(setting: ClusterFunctionsSetting) {
    super(setting.names, setting.groups, setting.events);
    this.#setting = setting;
  }

  override removeStoredConnection(name: string): Answer<Outcome> {
    checkName('name', name);
    const { claims } = this.#setting;
    const link = this.#setting.link();
    if (link === undefined) return outcomeOf('down');
    const holder = claims.get(name);
    const epoch = holder?.epoch;
    return link.remove(name).then(
      (removed) => {
        // The engine tells this node as well, whoever comes first; and it may have been claimed anew since.
        if (removed && holder !== undefined && claims.get(name) === holder && holder.epoch === epoch)
          claims.unbind(name);
        return outcomeOf(removed ? 'ok' : 'unknown');
      },
      () => outcomeOf('timeout'),
    );
  }

  override closeStoredConnection(name: string, code = NORMAL_CLOSURE, reason = ''): Answer<Outcome> {
    checkName('name', name);
    checkClose(code, reason);
    const { claims } = this.#setting;
    const connection = claims.unbind(name);
    if (connection !== undefined) {
      claims.release(name, connection.id);
      connection.requestClose(code, reason);
      return outcomeOf('ok');
    }
    const settled = claims.settled(name);
    if (settled !== undefined) return settled.then(() => this.closeStoredConnection(name, code, reason));
    const link = this.#setting.link();
    if (link === undefined) return outcomeOf('down');
    return link.push(name, closeMessage(code, reason)).then((status) => {
      if (status === 'delivered') return outcomeOf('ok');
      return outcomeOf(status === 'congested' ? 'accepted' : status);
    });
  }

  override removeConnectionGroup(group: string, { retire = false } = {}): Answer<Outcome> {
    checkName('group', group);
    return this.#removeGroup(group, retire, () => {});
  }

  override closeConnectionGroup(group: string, code = NORMAL_CLOSURE, reason = ''): Answer<Outcome> {
    checkName('group', group);
    checkClose(code, reason);
    return this.#removeGroup(group, false, (members, link) => {
      for (const member of members) member.requestClose(code, reason);
      link.publish(`g:${group}`, closeMessage(code, reason));
    });
  }

  override store(name: string, connection: LiveConnection): Answer<Outcome> {
    return this.#setting.claims.store(name, connection).then(outcomeOf);
  }

  override addToGroup(group: string, connection: LiveConnection): Answer<Outcome> {
    const outcome = super.addToGroup(group, connection) as Outcome;
    if (outcome.status !== 'ok') return outcome;
    return this.#setting.interest.join(`g:${group}`)?.then(outcomeOf) ?? outcome;
  }

  override removeFromGroup(group: string, connection: LiveConnection): Answer<Outcome> {
    const outcome = super.removeFromGroup(group, connection);
    this.#left(group);
    return outcome;
  }

  override purge(connection: LiveConnection): void {
    this.#setting.claims.releaseAll(connection);
    const groups = [...itemsOf(connection.joinedGroups)];
    super.purge(connection);
    for (const { name } of groups) this.#left(name);
  }

  override pushFrameToName(name: string, target: string, frame: Frame): Answer<Delivery> {
    const { claims } = this.#setting;
    if (claims.get(target) !== undefined) return super.pushFrameToName(name, target, frame);
    const settled = claims.settled(target);
    if (settled !== undefined) return settled.then(() => this.pushFrameToName(name, target, frame));
    const link = this.#setting.link();
    if (link === undefined) return this.pushed(name, target, frame, 'down');
    return link.push(target, pushMessage(frame)).then((status) => this.pushed(name, target, frame, status));
  }

  override pushFrameToGroup(name: string, group: string, frame: Frame, options: Except | undefined): Delivery {
    const { groups } = this.#setting;
    const { byName, retired } = groups.getSnapshot().context;
    if (retired.has(group)) return this.pushed(name, group, frame, 'unknown');
    const local = byName.has(group) ? super.pushFrameToGroup(name, group, frame, options) : deliveryOf('accepted');
    return this.relayed(name, `g:${group}`, group, frame, options, local);
  }

  /** What members here got goes to those of other nodes. */
  relayed(
    name: string,
    topic: Topic,
    target: string,
    frame: Frame,
    options: Except | undefined,
    local: Delivery,
  ): Delivery {
    const link = this.#setting.link();
    const outcome = link === undefined ? 'down' : link.publish(topic, pushMessage(frame, exceptedIds(options)));
    if (outcome !== 'accepted') {
      this.pushed(name, target, frame, outcome);
      return { status: outcome, count: local.count };
    }
    return local.count > 0 || local.status === 'congested' ? local : deliveryOf('accepted');
  }

  #removeGroup(
    group: string,
    retire: boolean,
    before: (members: readonly LiveConnection[], link: BackplaneLink) => void,
  ): Answer<Outcome> {
    const { groups, interest } = this.#setting;
    const link = this.#setting.link();
    if (link === undefined) return outcomeOf('down');
    const members = ask(groups, { type: 'group.remove', group, retire }, 'unknown');
    const count = members === 'unknown' ? 0 : members.length;
    before(members === 'unknown' ? [] : members, link);
    this.#left(group);
    const answer = (status: OutcomeStatus): Outcome => ({ status, count });
    return link.removeGroup(group, retire).then(
      (generation) => {
        interest.learn(group, { generation, retired: retire });
        // Whether others had members of it, they know.
        return answer(members === 'unknown' ? 'accepted' : 'ok');
      },
      () => {
        interest.unlearn(group);
        return answer('timeout');
      },
    );
  }

  /** Somebody left `group`; if it was the last one, nothing of it need be heard. */
  #left(group: string): void {
    const { groups, interest } = this.#setting;
    const members = groups.getSnapshot().context.byName.get(group)?.members;
    if (members === undefined || members.size === 0) interest.leave(`g:${group}`);
  }
}
