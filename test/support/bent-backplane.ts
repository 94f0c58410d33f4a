import type { Backplane, BackplaneLink } from 'troupe/backplane';

/** `backplane`, whose links do some things otherwise: what `bend` makes of each of them. */
export function bent(backplane: Backplane, bend: (link: BackplaneLink) => Partial<BackplaneLink>): Backplane {
  return {
    engine: backplane.engine,
    connect: async (nodeId, sink, signal) => bendLink(await backplane.connect(nodeId, sink, signal), bend),
  };
}

function bendLink(link: BackplaneLink, bend: (link: BackplaneLink) => Partial<BackplaneLink>): BackplaneLink {
  const otherwise = bend(link);
  return new Proxy(link, {
    get(target, name: keyof BackplaneLink) {
      const member: unknown = otherwise[name] ?? target[name];
      return typeof member === 'function' ? (member.bind(target) as unknown) : member;
    },
  });
}
