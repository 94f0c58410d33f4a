/** The functions of a connection: its own ones, and the ones that work from anywhere. */
import type { Frame } from '../delivery/frame.ts';
import type { AuthLifetime } from '../service/auth.ts';
import { checkClose, checkName } from '../arguments.ts';
import type {
  Connection,
  AuthenticationState,
  ConnectionInfo,
  ConnectionState,
  Except,
  InboundState,
  LivenessState,
  OutboundState,
  PushOptions,
} from '../service/connection.ts';
import type { Answer, Delivery, Outcome } from '../service/outcome.ts';
import { TroupeError } from '../errors.ts';
import type { ServiceMachineInput } from '../service/machine.ts';
import type { ConnectionAdmission } from './connection-admission.ts';
import type { ConnectionRegions } from './connection-regions.ts';
import type { LiveConnection } from './connection.ts';
import type { Few } from './few.ts';
import { deliveryOf, NORMAL_CLOSURE, outcomeOf, type Functions } from './functions.ts';
import type { JoinedGroup, PushStatus } from './member.ts';
import { binaryFrame, textFrame } from './push.ts';
import type { LiveShared } from './shared.ts';

/** What is known of a connection when its upgrade is accepted. */
export interface AcceptedUpgrade {
  readonly url: string;
  readonly params: Readonly<Record<string, string>>;
  readonly subprotocol: string;
  readonly remoteAddress: string;
  readonly isSecure: boolean;
  /** What was found out before it, if the service asks; undefined otherwise. */
  readonly admission: ConnectionAdmission | undefined;
}

/** What `Connection` promises, in terms of a connection's own `deliver`, `requestClose` and state. */
export abstract class ConnectionFunctions implements Connection {
  readonly #upgrade: AcceptedUpgrade;
  #attributes: Map<string, unknown> | undefined;
  heldNames: Few<string>;
  joinedGroups: Few<JoinedGroup>;

  constructor(upgrade: AcceptedUpgrade) {
    this.#upgrade = upgrade;
  }

  abstract readonly id: string;
  abstract readonly service: string;
  abstract readonly isOpen: boolean;
  abstract readonly openedAt: number;
  abstract readonly bufferedBytes: number;
  abstract readonly droppedPushes: number;

  /** The active states of its regions. */
  protected abstract readonly regions: ConnectionRegions;
  protected abstract readonly functions: Functions;
  /** What all connections of its service share, if there is something. */
  protected abstract readonly sharedState: LiveShared | undefined;
  /** Itself, as the registries know it. */
  abstract readonly connection: LiveConnection;
  protected abstract broadcastFrame(name: string, frame: Frame, options: Except | undefined): Delivery;
  abstract deliver(frame: Frame): PushStatus;
  abstract requestClose(code: number, reason: string): void;

  get state(): ConnectionState {
    return this.regions.state;
  }

  get outbound(): OutboundState {
    return this.regions.outbound;
  }

  get inbound(): InboundState {
    return this.regions.inbound;
  }

  get liveness(): LivenessState {
    return this.regions.liveness;
  }

  get authentication(): AuthenticationState {
    return this.regions.authentication;
  }

  /** What was found out in its handshake, if its service asks for more than a path. */
  get admission(): ConnectionAdmission | undefined {
    return this.#upgrade.admission;
  }

  /** As declared for connections whose service has no schema; with one, what that made. */
  get params(): Readonly<Record<string, string>> {
    const { admission, params } = this.#upgrade;
    return admission === undefined ? params : (admission.params as Readonly<Record<string, string>>);
  }

  get url(): string {
    return this.#upgrade.url;
  }

  get auth(): unknown {
    return this.admission?.auth;
  }

  get query(): URLSearchParams {
    const validated = this.admission?.query;
    if (validated !== undefined) return validated as URLSearchParams;
    const start = this.url.indexOf('?');
    return new URLSearchParams(start === -1 ? '' : this.url.slice(start));
  }

  get subprotocol(): string {
    return this.#upgrade.subprotocol;
  }

  get remoteAddress(): string {
    return this.#upgrade.remoteAddress;
  }

  get isSecure(): boolean {
    return this.#upgrade.isSecure;
  }

  get attributes(): Map<string, unknown> {
    return (this.#attributes ??= new Map());
  }

  get shared(): unknown {
    return this.sharedState?.faceOf(this.connection);
  }

  /** What it has subscribed to of the shared state ends. */
  releaseShared(): void {
    this.sharedState?.release(this.connection);
  }

  /** The service begins anew: what it kept here is gone. */
  forget(): void {
    this.#attributes = undefined;
  }

  /** The path it was opened with. */
  get path(): string {
    return this.url.split('?', 1)[0]!;
  }

  info(): ConnectionInfo {
    const { state, outbound, inbound, liveness, authentication } = this.regions;
    // One literal: it is made for each connection of a machine, and spreading objects costs as much as all of the rest.
    return {
      id: this.id,
      service: this.service,
      path: this.path,
      params: this.#upgrade.params,
      subprotocol: this.subprotocol,
      remoteAddress: this.remoteAddress,
      isSecure: this.isSecure,
      openedAt: this.openedAt,
      state,
      outbound,
      inbound,
      liveness,
      authentication,
      bufferedBytes: this.bufferedBytes,
      droppedPushes: this.droppedPushes,
    };
  }

  toJSON(): ConnectionInfo {
    return this.info();
  }

  /** What the machine of its service starts with. */
  get machineInput(): ServiceMachineInput {
    const { admission, params, shared } = this;
    return { connection: this.info(), auth: admission?.auth, params, query: admission?.query, shared };
  }

  pushText(text: string, options?: PushOptions): Delivery {
    return this.pushFrame('pushText', textFrame(text, options));
  }

  pushBinary(data: Uint8Array, options?: PushOptions): Delivery {
    return this.pushFrame('pushBinary', binaryFrame(data, options));
  }

  broadcastText(text: string, options?: Except): Delivery {
    return this.broadcastFrame('broadcastText', textFrame(text, options), options);
  }

  broadcastBinary(data: Uint8Array, options?: Except): Delivery {
    return this.broadcastFrame('broadcastBinary', binaryFrame(data, options), options);
  }

  storeConnection(name: string): Answer<Outcome> {
    checkName('name', name);
    if (!this.isOpen) return outcomeOf('closed');
    return this.functions.store(name, this.connection);
  }

  addConnectionToGroup(group: string): Answer<Outcome> {
    checkName('group', group);
    if (!this.isOpen) return outcomeOf('closed');
    return this.functions.addToGroup(group, this.connection);
  }

  removeConnectionFromGroup(group: string): Answer<Outcome> {
    checkName('group', group);
    return this.isOpen ? this.functions.removeFromGroup(group, this.connection) : outcomeOf('closed');
  }

  isMember(group: string): boolean {
    checkName('group', group);
    return this.functions.isMember(group, this.connection);
  }

  closeConnection(code = NORMAL_CLOSURE, reason = ''): Outcome {
    checkClose(code, reason);
    if (!this.isOpen) return outcomeOf('closed');
    this.requestClose(code, reason);
    return outcomeOf('ok');
  }

  refreshAuth(auth: unknown, lifetime: AuthLifetime = {}): Outcome {
    const { admission } = this;
    if (admission === undefined || !admission.isAuthenticated) {
      throw new TroupeError('TROUPE_AUTH_NOT_DECLARED', { service: this.service });
    }
    if (!this.isOpen || this.authentication === 'expired') return outcomeOf('closed');
    admission.refresh(auth, lifetime);
    return outcomeOf('ok');
  }

  pushTextToConnection(name: string, text: string, options?: PushOptions): Answer<Delivery> {
    return this.functions.pushTextToConnection(name, text, options);
  }

  pushBinaryToConnection(name: string, data: Uint8Array, options?: PushOptions): Answer<Delivery> {
    return this.functions.pushBinaryToConnection(name, data, options);
  }

  removeStoredConnection(name: string): Answer<Outcome> {
    return this.functions.removeStoredConnection(name);
  }

  closeStoredConnection(name: string, code?: number, reason?: string): Answer<Outcome> {
    return this.functions.closeStoredConnection(name, code, reason);
  }

  pushTextToGroup(group: string, text: string, options?: Except): Delivery {
    return this.functions.pushTextToGroup(group, text, options);
  }

  pushBinaryToGroup(group: string, data: Uint8Array, options?: Except): Delivery {
    return this.functions.pushBinaryToGroup(group, data, options);
  }

  removeConnectionGroup(group: string, options?: { readonly retire?: boolean }): Answer<Outcome> {
    return this.functions.removeConnectionGroup(group, options);
  }

  closeConnectionGroup(group: string, code?: number, reason?: string): Answer<Outcome> {
    return this.functions.closeConnectionGroup(group, code, reason);
  }

  protected pushFrame(name: string, frame: Frame): Delivery {
    const status = this.deliver(frame);
    return status === 'delivered' ? deliveryOf(status) : this.functions.pushed(name, this.id, frame, status);
  }
}
