/** Who is found under each name and in each group, from all nodes. */
import type { Puppet } from './nodes.ts';
import { label, NOBODY, type Model, type Owner } from './model.ts';

let rounds = 0;

/** What all that was pushed so far has led to has been heard. */
async function settled(askers: readonly Puppet[], puppets: readonly Puppet[]): Promise<void> {
  // A question of each node is behind what it sent before, and its answers are behind what that led to.
  await Promise.all(askers.map((asker) => asker.call('cluster.isMember', 'nothing', 'nobody')));
  await Promise.all(puppets.map((puppet) => puppet.call('troupe.health')));
}

/** Compares all nodes with the model, which learns what it did not know. What is wrong; empty: nothing. */
export async function compare(model: Model, puppets: readonly Puppet[]): Promise<readonly string[]> {
  const askers = [...new Map(puppets.map((puppet) => [puppet.node, puppet])).values()];
  const down = askers.filter(({ node }) => !node.isUp);
  if (down.length > 0) return down.map(({ node }) => `${node.id} is not up`);
  const round = ++rounds;
  for (const puppet of puppets) puppet.heard.length = 0;
  const statuses = new Map<string, readonly string[]>();
  for (const name of model.names.keys()) {
    const answers = askers.map((asker, at) => asker.call('pushTextToConnection', name, `${round} ${name} from ${at}`));
    statuses.set(
      name,
      (await Promise.all(answers)).map(({ status }) => status),
    );
  }
  for (const group of model.groups.keys())
    await Promise.all(askers.map((asker, at) => asker.call('pushTextToGroup', group, `${round} ${group} from ${at}`)));
  await settled(askers, puppets);

  const wrong: string[] = [];
  /** Who heard it, which is to be the same ones for each that sent it. */
  const hearers = (target: string): readonly Puppet[] => {
    const texts = askers.map((_, at) => `${round} ${target} from ${at}`);
    return puppets.filter((puppet) => {
      const counts = texts.map((text) => puppet.heard.filter((heard) => heard === text).length);
      if (counts.some((count) => count !== counts[0] || count > 1))
        wrong.push(`${label(puppet)} heard of ${target} ${counts.join(', ')} times (${String(statuses.get(target))})`);
      return counts.some((count) => count > 0);
    });
  };
  const owners = new Map<string, Owner>();
  for (const name of model.names.keys()) {
    const [owner = NOBODY, ...others] = hearers(name);
    if (others.length > 0) wrong.push(`${name} has ${others.length + 1} owners`);
    const isKnown = !statuses.get(name)!.includes('unknown');
    if (isKnown !== (owner !== NOBODY))
      wrong.push(`${name}: ${String(statuses.get(name))}, but ${label(owner)} has it`);
    owners.set(name, owner);
    wrong.push(...[model.wrongOwner(name, owner)].filter((text) => text !== undefined));
  }
  const members = new Map<string, ReadonlySet<Puppet>>();
  for (const group of model.groups.keys()) {
    const found = new Set(hearers(group));
    members.set(group, found);
    wrong.push(...[model.wrongMembers(group, found)].filter((text) => text !== undefined));
  }
  if (wrong.length === 0) model.found(owners, members);
  return wrong;
}
