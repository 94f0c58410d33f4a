/**
 * Judges the handshakes of one service that asks for more than a path and an origin.
 *
 * Each handshake that waits has one deadline and one signal, and is settled exactly once: by the service's own code, by
 * that deadline, by the service's stopping, or by the remote side that went away. What the service's code does
 * afterwards, its failing included, follows from the signal and is nobody's business any more.
 */
import { wrongType } from '../arguments.ts';
import type { Admission, Admitted, Handshake, Verdict } from '../service/admission.ts';
import { isAuthenticated, isNobody, isRejection, reject } from '../service/auth.ts';
import type { ServiceDefinition } from '../service/definition.ts';
import type { HandshakeRequest, HandshakeRules } from '../service/handshake.ts';
import type { Limits } from '../service/limits.ts';
import { headerLines, type HeaderLine } from '../service/response-headers.ts';
import { queryOf, validate, type Given } from '../service/validation.ts';
import { isThenable, onRejected } from '../thenable.ts';
import type { AddressBound } from './address-counts.ts';
import type { Realm } from './realm.ts';
import { Due } from './timer-wheel.ts';

type Refusal = Extract<Verdict, { refusal: unknown }>;

/** Seconds after which a refused program may try again. */
const RETRY = { headers: { 'Retry-After': '5' } };
const FAILED: Refusal = { refusal: { status: 500, reason: 'the handshake could not be judged' } };
const TOO_SLOW: Refusal = {
  refusal: { status: 503, reason: 'the handshake took too long; try again later', ...RETRY },
};
const STOPPED: Refusal = {
  refusal: { status: 503, reason: 'no connection is accepted now; try again later', ...RETRY },
};

/** What it needs of its service. */
export interface AdmissionSetting {
  readonly definition: ServiceDefinition;
  readonly rules: HandshakeRules;
  readonly limits: Limits;
  readonly realm: Pick<Realm, 'wheel' | 'turns' | 'events'>;
  /** Those that wait count as connections: here of their address, of service and server by `waitingCount`. */
  readonly addresses: AddressBound | undefined;
}

export class ServiceAdmission implements Admission {
  readonly #setting: AdmissionSetting;
  readonly #waiting = new Set<WaitingHandshake>();

  constructor(setting: AdmissionSetting) {
    this.#setting = setting;
  }

  /** How many wait. Whoever is let in, refused or gone waits no more before the verdict is known. */
  get waitingCount(): number {
    return this.#waiting.size;
  }

  get isFull(): boolean {
    return this.#waiting.size >= this.#setting.limits.maxWaitingHandshakes;
  }

  begin(handshake: Handshake, settled: (verdict: Verdict) => void): () => void {
    const { addresses } = this.#setting;
    const { remoteAddress } = handshake;
    const waiting = new WaitingHandshake(this.#setting, handshake, (verdict) => {
      this.#waiting.delete(waiting);
      // Before the verdict is known: whoever is let in counts as a connection at once.
      addresses?.remove(remoteAddress);
      if (verdict !== undefined) settled(verdict);
    });
    this.#waiting.add(waiting);
    addresses?.add(remoteAddress);
    waiting.set(this.#setting.limits.handshakeTimeoutMs);
    // Later, so that whoever began it is ready for what follows.
    queueMicrotask(() => void waiting.judge());
    return () => waiting.abandon();
  }

  /** Refuses all that wait: the service accepts no more. */
  stop(): void {
    for (const waiting of [...this.#waiting]) waiting.giveUp(STOPPED);
  }
}

class WaitingHandshake extends Due {
  readonly #setting: AdmissionSetting;
  readonly #handshake: Handshake;
  readonly #controller = new AbortController();
  #settled: ((verdict: Verdict | undefined) => void) | undefined;
  /** Which of the service's functions is at work. */
  #during = '';

  constructor(setting: AdmissionSetting, handshake: Handshake, settled: (verdict: Verdict | undefined) => void) {
    super(setting.realm.wheel);
    this.#setting = setting;
    this.#handshake = handshake;
    this.#settled = settled;
  }

  /** Never rejects. */
  async judge(): Promise<void> {
    let verdict: Verdict | undefined;
    try {
      verdict = await this.#verdict();
    } catch (error) {
      if (this.#isOver) return;
      const callback = `${this.#during} of service "${this.#setting.definition.name}"`;
      this.#setting.realm.events.emit('callback.failed', { callback, error });
      verdict = FAILED;
    }
    this.#settle(verdict);
  }

  /** The time for the handshake is over. */
  override meet(): void {
    this.giveUp(TOO_SLOW);
  }

  /** The remote side is gone. */
  abandon(): void {
    this.giveUp(undefined);
  }

  giveUp(verdict: Verdict | undefined): void {
    if (this.#isOver) return;
    this.#settle(verdict);
    this.#setting.realm.turns.during(() => this.#controller.abort());
  }

  get #isOver(): boolean {
    return this.#settled === undefined;
  }

  #settle(verdict: Verdict | undefined): void {
    const settled = this.#settled;
    this.#settled = undefined;
    this.cancel();
    settled?.(verdict);
  }

  /** `undefined` when nobody waits for it any more. */
  async #verdict(): Promise<Verdict | undefined> {
    const { rules, definition } = this.#setting;
    const { url } = this.#handshake;
    const start = url.indexOf('?');
    const search = new URLSearchParams(start === -1 ? '' : url.slice(start));

    const params = await this.#validated('params', 'the path parameter', this.#handshake.params);
    if ('refusal' in params || this.#isOver) return params as Refusal;
    const query = await this.#validated('query', 'the query parameter', queryOf(search));
    if ('refusal' in query || this.#isOver) return query as Refusal;

    const { headers, path, remoteAddress, isSecure, clientCertificate, subprotocols } = this.#handshake;
    const request: HandshakeRequest<unknown, unknown> = Object.freeze({
      headers,
      url,
      path,
      params: params.value,
      query: rules.query === undefined ? search : query.value,
      remoteAddress,
      isSecure,
      clientCertificate,
      origin: headers.origin,
      subprotocols,
      signal: this.#controller.signal,
    });

    const subprotocol = this.#select(request);
    if (subprotocol === undefined && definition.options.subprotocolRequired === true) {
      const listed = definition.options.subprotocols?.join(', ') ?? '';
      const reason = listed === '' ? 'a subprotocol is required' : `one of these subprotocols is required: ${listed}`;
      return { refusal: { status: 400, reason } };
    }
    const identity = await this.#authenticate(request);
    if ('refusal' in identity || this.#isOver) return identity as Refusal;

    const { auth, expiresAt } = identity;
    const answered = this.#responseHeaders(request, auth);
    const queried = rules.query === undefined ? undefined : query.value;
    return { admitted: { subprotocol, params: params.value, query: queried, auth, expiresAt, headers: answered } };
  }

  async #validated(rule: 'params' | 'query', what: string, given: Given): Promise<{ value: unknown } | Refusal> {
    const schema = this.#setting.rules[rule];
    if (schema === undefined) return { value: given };
    this.#during = `the schema "${rule}"`;
    const result = await this.#setting.realm.turns.during(() => validate(what, schema, given));
    return 'problem' in result ? { refusal: { status: 400, reason: result.problem } } : result;
  }

  #select(request: HandshakeRequest<unknown, unknown>): string | undefined {
    const { rules, definition, realm } = this.#setting;
    const listed = definition.options.subprotocols ?? [];
    const { selectSubprotocol } = rules;
    const isAny = selectSubprotocol !== undefined && definition.options.subprotocols === undefined;
    const offered = isAny ? request.subprotocols : request.subprotocols.filter((one) => listed.includes(one));
    if (selectSubprotocol === undefined || offered.length === 0) return offered[0];
    this.#during = 'selectSubprotocol';
    const selected = atOnce(
      'selectSubprotocol',
      realm.turns.during(() => selectSubprotocol(offered, request)),
    );
    const found = offered.find((one) => one === selected);
    if (found === undefined && selected !== undefined) {
      throw wrongType('what selectSubprotocol returns', 'one of the subprotocols that it was given', selected);
    }
    return found;
  }

  async #authenticate(
    request: HandshakeRequest<unknown, unknown>,
  ): Promise<Pick<Admitted, 'auth' | 'expiresAt'> | Refusal> {
    const { authenticate } = this.#setting.rules;
    if (authenticate === undefined) return { auth: undefined, expiresAt: undefined };
    this.#during = 'authenticate';
    const answer = await this.#setting.realm.turns.during(() => authenticate(request));
    if (isNobody(answer)) return { refusal: reject(401) };
    if (isRejection(answer)) return { refusal: answer };
    if (!isAuthenticated(answer)) return { auth: answer, expiresAt: undefined };
    const { auth, expiresAt } = answer;
    if (expiresAt === undefined || expiresAt > Date.now()) return { auth, expiresAt };
    return { refusal: reject(401, 'what was presented has expired') };
  }

  #responseHeaders(request: HandshakeRequest<unknown, unknown>, auth: unknown): readonly HeaderLine[] {
    const { responseHeaders } = this.#setting.rules;
    if (typeof responseHeaders !== 'function') return responseHeaders ?? [];
    this.#during = 'responseHeaders';
    const { turns } = this.#setting.realm;
    const headers = atOnce(
      'responseHeaders',
      turns.during(() => responseHeaders(request, auth)),
    );
    return headerLines('what responseHeaders returns', headers);
  }
}

/** What a function returned that has to answer at once. */
function atOnce(what: string, answer: unknown): unknown {
  if (!isThenable(answer)) return answer;
  // It is an error already; its own must not end the process.
  onRejected(answer, () => {});
  throw wrongType(`what ${what} returns`, 'there at once', answer);
}
