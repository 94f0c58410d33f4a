/**
 * Order notifications: a browser stores its connection under a name, and any
 * other part of the system pushes to that name (see http.ts).
 *
 *     alice                 watch the orders of alice  ({"watch": "alice"} does the same)
 *     join kitchen          hear what is pushed to the group "kitchen"
 *     leave kitchen         and no longer
 */
import { defineService, type Connection } from 'troupe';
import { fromStored, isName, nameRule, toStored } from './names.ts';

type Command = { do: 'watch' | 'join' | 'leave'; name: string };

/** So that one connection cannot fill the server's registries. */
const maxPerConnection = 20;

const usage = 'Send a name to watch its orders, "join <group>" or "leave <group>".';

export const orders = defineService({
  basePath: '/orders',
  webSocketUpgradePath: '/updates',
  limits: { maxPayload: 1024 },

  onOpen(connection) {
    connection.pushText(`You are connection ${connection.id}. ${usage}`);
  },

  async onTextMessage(connection, text) {
    const command = parse(text);
    if (!command) {
      connection.pushText(`That was not understood. ${usage} A name is ${nameRule}.`);
      return;
    }
    connection.pushText(await run(connection, command));
  },

  onReplaced(connection, { name }) {
    const watched = fromStored(name) ?? name;
    kept(connection, 'names').delete(name);
    connection.pushText(`Replaced: another connection watches "${watched}" now. This one stays open.`);
  },
});

function parse(text: string): Command | undefined {
  const line = text.trim();
  if (line.startsWith('{')) return parseJson(line);
  const [first = '', second, ...more] = line.split(/\s+/);
  if (more.length > 0) return undefined;
  if (second === undefined) return isName(first) ? { do: 'watch', name: first } : undefined;
  return isVerb(first) && isName(second) ? { do: first, name: second } : undefined;
}

function parseJson(line: string): Command | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  const [entry, ...more] = Object.entries(value as Record<string, unknown>);
  if (!entry || more.length > 0) return undefined;
  const [verb, name] = entry;
  return isVerb(verb) && typeof name === 'string' && isName(name) ? { do: verb, name } : undefined;
}

function isVerb(word: string): word is Command['do'] {
  return word === 'watch' || word === 'join' || word === 'leave';
}

async function run(connection: Connection, command: Command): Promise<string> {
  const stored = toStored(command.name);
  switch (command.do) {
    case 'watch': {
      const names = kept(connection, 'names');
      if (!names.has(stored) && names.size >= maxPerConnection) {
        return `One connection watches at most ${maxPerConnection} names.`;
      }
      const { status } = await connection.storeConnection(stored);
      if (status !== 'ok') return `"${command.name}" cannot be watched now: ${status}.`;
      names.add(stored);
      return `Watching "${command.name}".`;
    }
    case 'join': {
      const groups = kept(connection, 'groups');
      // A group may have been removed by somebody else meanwhile.
      for (const group of groups) if (!connection.isMember(group)) groups.delete(group);
      if (!groups.has(stored) && groups.size >= maxPerConnection) {
        return `One connection is in at most ${maxPerConnection} groups.`;
      }
      const { status } = await connection.addConnectionToGroup(stored);
      if (status !== 'ok') return `Group "${command.name}" cannot be joined now: ${status}.`;
      groups.add(stored);
      return `In group "${command.name}".`;
    }
    case 'leave': {
      const { status } = await connection.removeConnectionFromGroup(stored);
      kept(connection, 'groups').delete(stored);
      return status === 'ok' ? `Left group "${command.name}".` : `Not in group "${command.name}".`;
    }
  }
}

/** What this connection has stored and joined, kept with the connection and gone with it. */
function kept(connection: Connection, what: 'names' | 'groups'): Set<string> {
  const found = connection.attributes.get(what) as Set<string> | undefined;
  if (found) return found;
  const fresh = new Set<string>();
  connection.attributes.set(what, fresh);
  return fresh;
}
