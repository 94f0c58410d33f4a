/** Answers what one viewer asks: one request after the other, each with a bounded amount of work at a time. */
import { actorsOf, findActors, findConnection } from './find.ts';
import { TroupeRangeError, TroupeTypeError } from '../errors.ts';
import { cut, describe } from './describe.ts';
import { activeStates, graphOf } from './graph.ts';
import { answerList, itemOf } from './lists.ts';
import type { AnswerFrame, ConnectionFrame, ErrorFrame, ViewerRequest } from './protocol.ts';
import { chartOf, read, snapshotOf } from './reading.ts';
import { readRequest } from './request.ts';
import { redactData, type Redaction } from './redaction.ts';
import type { InspectedConnection, InspectorSource } from './source.ts';
import type { Pace } from './share.ts';
import type { Viewer } from './viewer.ts';
import type { Manner } from './walk.ts';
import type { AnyActorRef } from 'xstate';

export interface AnswersSetting {
  readonly source: InspectorSource;
  readonly viewer: Viewer;
  readonly allowActions: boolean;
  readonly redaction: Redaction;
  /** When there is time to answer. */
  readonly pace: Pace;
  /** Watches an actor for the viewer, and tells it of that actor. */
  readonly watch: (viewer: Viewer, actor: AnyActorRef) => void;
  readonly unwatch: (viewer: Viewer, sessionId: string) => void;
}

type RequestOf<Type extends ViewerRequest['type']> = Extract<ViewerRequest, { readonly type: Type }>;

const MAX_WAITING = 32;
export const MAX_WATCHED = 50;
const MAX_BELONGINGS = 100;
const FAILED = 'it failed';

export class Answers {
  readonly #setting: AnswersSetting;
  readonly #waiting: ViewerRequest[] = [];
  readonly #manner: Manner;
  #isAnswering = false;

  constructor(setting: AnswersSetting) {
    this.#setting = setting;
    this.#manner = { isOver: () => setting.viewer.isGone, slice: (work) => setting.pace.do(work) };
  }

  /** The viewer has sent `text`. */
  take(text: string): void {
    const { viewer } = this.#setting;
    const request = readRequest(text);
    if (request.type === 'troupe.error') {
      viewer.answer(request);
      return;
    }
    if (this.#waiting.length === MAX_WAITING) {
      viewer.answer(refusal(request, 'busy', `at most ${MAX_WAITING} requests may wait for their answers`));
      return;
    }
    this.#waiting.push(request);
    if (!this.#isAnswering) this.#answerAll().catch((error: unknown) => this.#setting.source.failed(error));
  }

  async #answerAll(): Promise<void> {
    const { viewer, pace } = this.#setting;
    this.#isAnswering = true;
    try {
      for (let request = this.#waiting[0]; request !== undefined && !viewer.isGone; request = this.#waiting[0]) {
        const answer = await this.#attempt(request);
        this.#waiting.shift();
        // Charts and lists are large: also writing them down takes its time, and may fail for what stands in a chart.
        await pace.do(() => viewer.answer(answer)).catch(() => viewer.answer(refusal(request, 'malformed', FAILED)));
      }
    } finally {
      this.#isAnswering = false;
    }
  }

  async #attempt(request: ViewerRequest): Promise<AnswerFrame> {
    try {
      return await this.#answer(request);
    } catch (error) {
      // Wrong arguments of `close` and `send`; what anything else says may be of users' data.
      const isOwn = error instanceof TroupeTypeError || error instanceof TroupeRangeError;
      return refusal(request, 'malformed', isOwn ? cut(error.message, 500) : FAILED);
    }
  }

  async #answer(request: ViewerRequest): Promise<AnswerFrame> {
    switch (request.type) {
      case 'list':
        return (
          (await answerList(this.#setting.source, request, this.#manner)) ??
          refusal(request, 'unknown', 'there is no such service or group')
        );
      case 'connection':
        return this.#describe(request);
      case 'graph':
        return this.#draw(request);
      case 'watch':
        return this.#watch(request);
      case 'unwatch':
        return this.#unwatch(request);
      case 'close':
      case 'send':
        return this.#act(request);
    }
  }

  async #describe(request: RequestOf<'connection'>): Promise<AnswerFrame> {
    const { source } = this.#setting;
    const connection = await findConnection(source, request.of, this.#manner);
    if (connection === undefined) return noConnection(request);
    const facts = await this.#manner.slice(() => factsOf(this.#setting, connection));
    return { type: 'troupe.connection', request: request.request, connection: facts };
  }

  async #draw(request: RequestOf<'graph'>): Promise<AnswerFrame> {
    const actor = (await findActors(this.#setting.source, [request.of], this.#manner)).get(request.of);
    if (actor === undefined) return refusal(request, 'unknown', 'there is no such actor, or not any more');
    const chart = chartOf(actor);
    if (chart === undefined) return refusal(request, 'unknown', 'this actor runs no chart');
    return this.#manner.slice(() => ({
      type: 'troupe.graph',
      request: request.request,
      of: request.of,
      graph: graphOf(chart),
      active: activeStates(chart, read(snapshotOf(actor), 'value')),
    }));
  }

  async #watch(request: RequestOf<'watch'>): Promise<AnswerFrame> {
    const { source, viewer, watch } = this.#setting;
    const wanted = new Set([...viewer.watched.keys(), ...request.actors]);
    if (wanted.size > MAX_WATCHED)
      return refusal(request, 'limit', `at most ${MAX_WATCHED} actors are watched at once`);
    const found = await findActors(source, request.actors, this.#manner);
    for (const actor of found.values()) {
      if (!viewer.isGone) await this.#manner.slice(() => watch(viewer, actor));
    }
    return this.#watching(
      request,
      request.actors.filter((sessionId) => !viewer.watched.has(sessionId)),
    );
  }

  #unwatch(request: RequestOf<'unwatch'>): AnswerFrame {
    const { viewer, unwatch } = this.#setting;
    const { actors = [...viewer.watched.keys()] } = request;
    const unknown = actors.filter((sessionId) => !viewer.watched.has(sessionId));
    for (const sessionId of actors) unwatch(viewer, sessionId);
    return this.#watching(request, unknown);
  }

  #watching({ request }: ViewerRequest, unknown: readonly string[]): AnswerFrame {
    return { type: 'troupe.watching', request, actors: [...this.#setting.viewer.watched.keys()], unknown };
  }

  async #act(request: RequestOf<'close' | 'send'>): Promise<AnswerFrame> {
    const { source, allowActions } = this.#setting;
    if (!allowActions) return refusal(request, 'forbidden', 'this inspector only shows; see the option allowActions');
    const connection = await findConnection(source, request.connection, this.#manner);
    if (connection === undefined) return noConnection(request);
    const { status } = await this.#manner.slice(() =>
      request.type === 'close'
        ? connection.closeConnection(request.code, request.reason)
        : connection.pushText(request.text),
    );
    return { type: 'troupe.done', request: request.request, status };
  }
}

function factsOf(
  { source, redaction }: AnswersSetting,
  connection: InspectedConnection,
): ConnectionFrame['connection'] {
  const { subprotocol, isSecure, bytesReceived, bufferedBytes, droppedPushes } = connection;
  const { auth, waitingMessages, ignoredMessages } = connection;
  const { params } = connection.info();
  return {
    ...itemOf(connection),
    params: Object.fromEntries(Object.entries(params).map(([name, value]) => [name, cut(value, 200)])),
    subprotocol,
    isSecure,
    ...(auth !== undefined && { auth: describe(auth, ['auth'], redactData(redaction, 'own')) }),
    names: firstOf(source.namesOf(connection)),
    groups: firstOf(source.groupsOf(connection)),
    bytesReceived,
    bufferedBytes,
    waitingMessages,
    ignoredMessages,
    droppedPushes,
    actors: [...actorsOf(connection)].map(({ actor, role }) => ({
      sessionId: actor.sessionId,
      name: cut(actor.id, 200),
      parentId: actor._parent?.sessionId,
      role,
      hasGraph: chartOf(actor) !== undefined,
    })),
  };
}

function firstOf(texts: Iterable<string>): readonly string[] {
  const first: string[] = [];
  for (const text of texts) if (first.push(text) === MAX_BELONGINGS) break;
  return first;
}

function noConnection(request: ViewerRequest): ErrorFrame {
  return refusal(request, 'unknown', 'there is no such connection, or not any more');
}

function refusal({ request }: ViewerRequest, code: ErrorFrame['code'], message: string): ErrorFrame {
  return { type: 'troupe.error', request, code, message };
}
