/** What stepping back shows of actors that are looked at together, beside how they truly were together. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AnyActorRef } from 'xstate';
import { defineService } from 'troupe';
import { momentBeside } from '../../../src/inspector/page/state/focus.ts';
import type { Focus } from '../../../src/inspector/page/state/model.ts';
import { hasEnded } from '../../../src/inspector/page/state/watched.ts';
import { momentOf } from '../../../src/inspector/page/views/charts.tsx';
import { connect } from '../../support/client.ts';
import { serveInspected } from '../support.ts';
import { carriage, type Errand, type Turn } from './carriage.ts';
import { open, type OpenedPage } from './opened.ts';

/** The states of some actors at one time. */
type Together = readonly unknown[];

/** How `actors` were together, from now on: each time that one of them takes another state. */
function watchTruth(actors: readonly AnyActorRef[]): readonly Together[] {
  const together = (): Together => actors.map((actor) => (actor.getSnapshot() as { value: unknown }).value);
  const truth = [together()];
  for (const actor of actors) {
    // The actor of a connection makes its snapshots of that.
    const field = 'configuration' in actor ? 'configuration' : '_snapshot';
    let state: unknown = Reflect.get(actor, field);
    Object.defineProperty(actor, field, {
      get: () => state,
      set(next: unknown) {
        state = next;
        truth.push(together());
      },
    });
  }
  return truth;
}

/** What the charts show when one steps back as far as it goes, the oldest first. */
function shownIn({ store }: OpenedPage, sessionIds: readonly string[]): readonly Together[] {
  const focus = (): Focus => store.state.focus!;
  const shown: Together[] = [];
  for (let last: number | undefined = -1; focus().moment !== last;) {
    last = focus().moment;
    shown.unshift(sessionIds.map((id) => momentOf(focus().watched.get(id)!, last).value));
    store.dispatch({ type: 'moment.chosen', moment: momentBeside(focus(), -1) });
  }
  return shown;
}

/** Without what only says again what was before. */
const changes = (all: readonly Together[]): readonly Together[] =>
  all.filter((one, index) => index === 0 || JSON.stringify(one) !== JSON.stringify(all[index - 1]));

const errand: fc.Arbitrary<Errand> = fc.letrec<{ errand: Errand }>((tie) => ({
  errand: fc.record({
    when: fc.constantFrom('now', 'later', 'never'),
    what: fc.constant('turn' as const),
    next: fc.option(tie('errand'), { nil: undefined, maxDepth: 3 }),
  }),
})).errand;

/** What happens to a carriage: whom it concerns, and what that does then. */
type Happening = readonly [to: 'connection' | 'carriage' | 'wheel', errand: Errand];

/** How its actors were together until they had ended, and how the page shows it. */
async function ride(happenings: readonly Happening[], end: Errand, maxEventsPerSecond: number) {
  const service = defineService({ basePath: '/carriage', machine: carriage });
  const server = await serveInspected([service], { maxEventsPerSecond });
  const actors = new Map<string, AnyActorRef>();
  const stop = server.troupe.inspect(({ actorRef }) => actors.set(actorRef.sessionId, actorRef as AnyActorRef));
  const client = await connect(server.url('/carriage'));
  stop();
  const { id } = server.troupe.connections('/carriage').items[0]!;
  const page = open(server.viewersUrl, `#/connection/${id}`);
  await page.until(({ focus }) => focus?.watching?.request === undefined && focus?.watched.size === 3);
  const sessionIds = page.store.state.focus!.facts!.actors.map(({ sessionId }) => sessionId);
  const watched = sessionIds.map((sessionId) => actors.get(sessionId)!);
  const [, own, turned] = watched;
  const truth = watchTruth(watched);

  for (const [to, errand] of happenings) {
    if (to === 'connection') {
      client.send(JSON.stringify(errand));
      await client.ping();
    } else (to === 'wheel' ? turned : own)!.send({ type: 'turn', errand } satisfies Turn);
  }
  turned!.send({ type: 'turn', errand: end } satisfies Turn);
  await client.closed;
  await page.until(({ focus }) => sessionIds.every((id) => hasEnded(focus!.watched.get(id)!, undefined)));

  const isWhole = sessionIds.every((id) => page.store.state.focus!.watched.get(id)!.gaps.length === 0);
  return { truth, isWhole, shown: shownIn(page, sessionIds) };
}

const happenings: fc.Arbitrary<readonly Happening[]> = fc.array(
  fc.tuple(fc.constantFrom('connection', 'carriage', 'wheel'), errand),
  { maxLength: 8 },
);
const end: fc.Arbitrary<Errand> = fc.record({ when: fc.constantFrom('now', 'later'), what: fc.constant('close') });

describe('stepping back', { timeout: 20_000 }, () => {
  it('shows actors together as they were together, however their steps lie within each other', async () => {
    await fc.assert(
      fc.asyncProperty(happenings, end, async (happenings, end) => {
        const { truth, isWhole, shown } = await ride(happenings, end, 2000);
        // A machine that is very busy leaves something out.
        fc.pre(isWhole);
        expect(changes([truth[0]!, ...shown])).toEqual(changes(truth));
      }),
      { numRuns: 25 },
    );
  });

  it('shows nothing together that never was, when not everything was told', async () => {
    await fc.assert(
      fc.asyncProperty(happenings, end, fc.integer({ min: 3, max: 60 }), async (happenings, end, most) => {
        const { truth, shown } = await ride(happenings, end, most);
        const told = truth.map((together) => together.map((value) => JSON.stringify(value)));
        for (const together of shown) {
          const known = together.map((value) => JSON.stringify(value));
          expect(told).toSatisfy((all: typeof told) =>
            all.some((one) => known.every((value, index) => value === undefined || value === one[index])),
          );
        }
      }),
      // The end of the step that the carriage is in is the first that is left out.
      {
        numRuns: 25,
        examples: [[[['connection', { when: 'later', what: 'turn' }]], { when: 'now', what: 'close' }, 8]],
      },
    );
  });
});
