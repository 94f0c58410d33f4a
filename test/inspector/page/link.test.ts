import { describe, expect, it } from 'vitest';
import { textOfLink, waitMs } from '../../../src/inspector/page/state/link.ts';
import { arrived, connectionItem, hello, linked, overview, stateAfter } from './frames.ts';

const lost = { type: 'link.lost', at: 1_000, random: 0.5 } as const;
const connecting = { type: 'link.connecting' } as const;
const opened = { type: 'link.opened' } as const;

describe('a link that is lost', () => {
  it('is tried again after half a second, then less and less often, at most every 19 s', () => {
    expect([1, 2, 3, 4, 5, 6, 50].map((attempt) => waitMs(attempt, 0.5))).toEqual([
      500, 1000, 2000, 4000, 8000, 15_000, 15_000,
    ]);
    expect(waitMs(50, 1)).toBe(18_750);
  });

  it('counts the attempts until one succeeds', () => {
    expect(stateAfter('', ...linked, lost).link).toMatchObject({ attempt: 1, retryAt: 1_500 });
    const twice = stateAfter('', ...linked, lost, connecting, lost);
    expect(twice.link).toMatchObject({ attempt: 2 });
    expect(stateAfter('', ...linked, lost, connecting, opened, lost).link).toMatchObject({ attempt: 1 });
  });

  it('is told of once, and so is its coming back', () => {
    expect(stateAfter('', ...linked, lost).notice).toBe('The connection to the server was lost.');
    expect(stateAfter('', ...linked, lost, connecting, opened).notice).toBe('Connected to the server again.');
  });

  it('leaves what was known in sight, and says that it is from before', () => {
    const state = stateAfter('', ...linked, arrived(overview(7)), lost);
    expect(state.overview?.services[0]?.connections.total).toBe(7);
    expect(textOfLink(state.link)).toContain('from before');
  });

  it('says so too when the server was never reached', () => {
    expect(textOfLink(stateAfter('', connecting).link)).toBe('Connecting to the server');
    expect(textOfLink(stateAfter('', connecting, lost, connecting).link)).toContain('does not answer');
  });
});

describe('a server that was restarted', () => {
  const items = [connectionItem('c1')];
  const listed = [
    { type: 'asked', request: { type: 'list', request: 1, of: 'connections' }, at: 0 },
    arrived({ type: 'troupe.list', request: 1, of: 'connections', items }),
  ] as const;

  it('begins anew with everything that came from the one before', () => {
    const state = stateAfter('#/connections', ...linked, ...listed, lost, connecting, opened, arrived(hello('second')));
    expect(state.list?.pages).toEqual([]);
    expect(state.overview).toBeUndefined();
    expect(state.notice).toContain('restarted');
  });

  it('is told from one that was only out of reach', () => {
    const state = stateAfter('#/connections', ...linked, ...listed, lost, connecting, opened, arrived(hello('first')));
    expect(state.list?.pages).toHaveLength(1);
  });
});
