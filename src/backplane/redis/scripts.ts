/**
 * What Redis does in one step, in Lua: nothing comes between the reading of a name's owner and what follows from it.
 *
 * With the prefix P:
 *
 *     P:n:<name>   HASH  n: node, c: connection, e: epoch     P:l:<node>   lease: its latest link, expires
 *     P:o:<node>   SET   names it owns                        P:g:<group>  latest removal, expires unless retired
 *     P:nodes      ZSET  nodes by their last beat, ms
 *
 * What a network has held back arrives even when its connection was given up long ago. So whatever changes the
 * directory is done for the link that holds the lease and for no earlier one, whose node has given up waiting.
 *
 * Epochs and generations are beyond what Lua writes with `tostring`, hence `%.0f`.
 */
import { createHash } from 'node:crypto';

export interface Script {
  readonly source: string;
  readonly sha: string;
}

/** How many names of a node are taken away in one step: Redis does nothing else meanwhile. */
export const NAMES_AT_ONCE = 1000;

const common = `
local P = ARGV[1]
local function text(number) return string.format('%.0f', number) end
local function now()
  local time = redis.call('TIME')
  return time[1] * 1000000 + time[2]
end
local function isLive(node) return redis.call('EXISTS', P .. ':l:' .. node) == 1 end
local function isLatest(node, link) return redis.call('GET', P .. ':l:' .. node) == link end
local late = { err = 'LATE this link holds no lease' }
local function owner(name)
  local held = redis.call('HMGET', P .. ':n:' .. name, 'n', 'c', 'e')
  return held[1], held[2], tonumber(held[3])
end
local function bind(name, node, connection, epoch)
  redis.call('HSET', P .. ':n:' .. name, 'n', node, 'c', connection, 'e', text(epoch))
  redis.call('SADD', P .. ':o:' .. node, name)
end
local function unbind(name, node)
  redis.call('DEL', P .. ':n:' .. name)
  redis.call('SREM', P .. ':o:' .. node, name)
end
local function tell(node, kind, connection, name, rest)
  return redis.call('PUBLISH', P .. ':i:' .. node, kind .. struct.pack('>Hc0Hc0', #connection, connection, #name, name) .. rest)
end
local function takeAway(node, count)
  local names = redis.call('SPOP', P .. ':o:' .. node, count)
  for _, name in ipairs(names) do
    if redis.call('HGET', P .. ':n:' .. name, 'n') == node then redis.call('DEL', P .. ':n:' .. name) end
  end
  return #names
end
`;

function script(body: string): Script {
  const source = common + body;
  return { source, sha: createHash('sha1').update(source).digest('hex') };
}

/** node, link, lease in ms, token → whether the lease was held. The nodes that died lose their names here. */
export const BEAT = script(`
local node, link, lease, token = ARGV[2], ARGV[3], tonumber(ARGV[4]), ARGV[5]
local holder = redis.call('GET', P .. ':l:' .. node)
if holder and tonumber(holder) > tonumber(link) then return late end
redis.call('SET', P .. ':l:' .. node, link, 'PX', lease)
local ms = math.floor(now() / 1000)
redis.call('ZADD', P .. ':nodes', text(ms), node)
for _, dead in ipairs(redis.call('ZRANGEBYSCORE', P .. ':nodes', '-inf', text(ms - lease), 'LIMIT', 0, 10)) do
  if not isLive(dead) and takeAway(dead, ${NAMES_AT_ONCE}) < ${NAMES_AT_ONCE} then redis.call('ZREM', P .. ':nodes', dead) end
end
redis.call('PUBLISH', P .. ':i:' .. node, 'P' .. token)
return holder == link and 1 or 0
`);

/** → the ids of the nodes with a lease. */
export const NODES = script(`
local live = {}
for _, node in ipairs(redis.call('ZRANGE', P .. ':nodes', 0, -1)) do
  if isLive(node) then live[#live + 1] = node end
end
return live
`);

/** node, link, name, connection → epoch, and node and connection of the previous owner unless its lease is over. */
export const CLAIM = script(`
local node, link, name, connection = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
if not isLatest(node, link) then return late end
local previous, theirs, older = owner(name)
local epoch = now()
if not previous then
  bind(name, node, connection, epoch)
  return { epoch }
end
if epoch <= older then epoch = older + 1 end
local isKnown = isLive(previous)
if previous ~= node then
  redis.call('SREM', P .. ':o:' .. previous, name)
  tell(previous, 'R', theirs, name, text(older))
end
bind(name, node, connection, epoch)
if isKnown then return { epoch, previous, theirs } end
return { epoch }
`);

/** node, link, name, connection → whether it was the owner. */
export const RELEASE = script(`
local node, link, name, connection = ARGV[2], ARGV[3], ARGV[4], ARGV[5]
if not isLatest(node, link) then return late end
local current, theirs = owner(name)
if current ~= node or theirs ~= connection then return 0 end
unbind(name, node)
return 1
`);

/** node, link, name → whether it had an owner with a lease. */
export const REMOVE = script(`
local node, link, name = ARGV[2], ARGV[3], ARGV[4]
if not isLatest(node, link) then return late end
local current, theirs, epoch = owner(name)
if not current then return 0 end
unbind(name, current)
tell(current, 'X', theirs, name, text(epoch))
return isLive(current) and 1 or 0
`);

/** node, link, then name, connection and epoch of each → the epoch in force of each, or 0 where it is another node's. */
export const RESTORE = script(`
local node, link = ARGV[2], ARGV[3]
if not isLatest(node, link) then return late end
local answers = {}
for at = 4, #ARGV, 3 do
  local name, connection, epoch = ARGV[at], ARGV[at + 1], tonumber(ARGV[at + 2])
  local current, theirs, existing = owner(name)
  if current and current ~= node and existing >= epoch and isLive(current) then
    answers[#answers + 1] = 0
  else
    if current == node and existing > epoch then epoch = existing end
    if current and current ~= node then
      redis.call('SREM', P .. ':o:' .. current, name)
      tell(current, 'R', theirs, name, text(existing))
    end
    bind(name, node, connection, epoch)
    answers[#answers + 1] = epoch
  end
end
return answers
`);

/** name, payload → how many connections of the owner's node listen, or -1 where there is no owner. */
export const PUSH = script(`
local name, payload = ARGV[2], ARGV[3]
local current, theirs = owner(name)
if not current then return -1 end
if not isLive(current) then
  unbind(name, current)
  return -1
end
return tell(current, 'D', theirs, name, payload)
`);

/** node, link, group, channel, tag of the node, ms to remember it for, whether to retire it → the generation. */
export const DROP = script(`
local node, link, group, channel, tag, keptFor, retire = unpack(ARGV, 2)
if not isLatest(node, link) then return late end
local key = P .. ':g:' .. group
local before = redis.call('GET', key) or ''
local generation = now()
local last = tonumber(string.match(before, '^%d+'))
if last and generation <= last then generation = last + 1 end
local value = text(generation)
if retire == '1' or string.sub(before, -1) == 'r' then
  value = value .. 'r'
  redis.call('SET', key, value)
else
  redis.call('SET', key, value, 'PX', keptFor)
end
redis.call('PUBLISH', channel, tag .. '\\1' .. value)
return generation
`);

/** node, link → how many of its names were taken away; its lease too, once there are no more. */
export const LEAVE = script(`
local node, link = ARGV[2], ARGV[3]
if not isLatest(node, link) then return late end
local count = takeAway(node, ${NAMES_AT_ONCE})
if count < ${NAMES_AT_ONCE} then
  redis.call('DEL', P .. ':l:' .. node)
  redis.call('ZREM', P .. ':nodes', node)
end
return count
`);

/** They are loaded by each link: to load one when it is missed would let later messages overtake it. */
export const scripts: readonly Script[] = [BEAT, NODES, CLAIM, RELEASE, REMOVE, RESTORE, PUSH, DROP, LEAVE];
