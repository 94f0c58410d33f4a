/**
 * Questions to all nodes: asked of everybody at once, answered to the one who
 * asked, collected until all have answered or the time is over.
 */
import { nanoid } from 'nanoid';
import { checkCount, checkName, MAX_DELAY_MS } from '../../arguments.ts';
import type { BackplaneLink } from '../../backplane/contract.ts';
import { TroupeRangeError } from '../../errors.ts';
import type { Cluster, ClusterPage, ClusterRequest, Coverage } from '../../service/cluster.ts';
import type { ConnectionInfo } from '../../service/connection.ts';
import type { Page, PageRequest } from '../../service/outcome.ts';
import type { GroupInfo, StoredNameInfo } from '../../service/queries.ts';
import type { Clock } from '../clock.ts';
import { checkPage } from '../page.ts';
import type { Queries } from '../queries.ts';
import type { LiveService } from '../service.ts';
import { answerMessage, askMessage } from './wire.ts';

/** Everybody hears what is asked. */
export const ALL_NODES = 'n:all';
export const nodeTopic = (nodeId: string) => `n:${nodeId}` as const;

const DEFAULT_TIMEOUT_MS = 2000;

/** What can be asked, and of what. */
export interface Sources {
  connections(service: string, page: PageRequest): Page<ConnectionInfo>;
  groups(page: PageRequest): Page<GroupInfo>;
  members(group: string, page: PageRequest): Page<ConnectionInfo>;
  isMember(group: string, connectionId: string): boolean;
  storedNames(page: PageRequest): Page<StoredNameInfo>;
}

export function sourcesOf(queries: Queries, service: (name: string) => LiveService | undefined): Sources {
  return {
    connections: (name, page) => service(name)?.connections(page) ?? { items: [] },
    groups: (page) => queries.groups(page),
    members: (group, page) => queries.members(group, page),
    isMember: (group, connectionId) => queries.isMember(group, connectionId),
    storedNames: (page) => queries.storedNames(page),
  };
}

type Subject = 'connections' | 'groups' | 'members' | 'isMember' | 'storedNames';

interface Question {
  readonly id: string;
  readonly from: string;
  readonly subject: Subject;
  readonly args: readonly string[];
  readonly limit: number | undefined;
  /** Where each node goes on; undefined: all begin. */
  readonly after: Readonly<Record<string, string>> | undefined;
}

interface Answer {
  readonly id: string;
  readonly node: string;
  readonly page: Page<object>;
}

export interface SurveySetting {
  readonly nodeId: string;
  readonly clock: Clock;
  readonly sources: Sources;
  link(): BackplaneLink | undefined;
}

export class Survey implements Cluster {
  readonly #setting: SurveySetting;
  readonly #open = new Map<string, { readonly take: (answer: Answer) => void; readonly finish: () => void }>();

  constructor(setting: SurveySetting) {
    this.#setting = setting;
  }

  get nodeId(): string {
    return this.#setting.nodeId;
  }

  async nodes(): Promise<readonly string[]> {
    try {
      const nodes = new Set(await this.#setting.link()?.nodes());
      return [...nodes.add(this.nodeId)].toSorted();
    } catch {
      return [this.nodeId];
    }
  }

  async connections(service: string, request?: ClusterRequest): Promise<ClusterPage<ConnectionInfo>> {
    checkName('service', service);
    return this.#pages('connections', [service], request) as Promise<ClusterPage<ConnectionInfo>>;
  }

  async groups(request?: ClusterRequest): Promise<ClusterPage<GroupInfo>> {
    return this.#pages('groups', [], request) as Promise<ClusterPage<GroupInfo>>;
  }

  async members(group: string, request?: ClusterRequest): Promise<ClusterPage<ConnectionInfo>> {
    checkName('group', group);
    return this.#pages('members', [group], request) as Promise<ClusterPage<ConnectionInfo>>;
  }

  async storedNames(request?: ClusterRequest): Promise<ClusterPage<StoredNameInfo>> {
    return this.#pages('storedNames', [], request) as Promise<ClusterPage<StoredNameInfo>>;
  }

  async isMember(
    group: string,
    connectionId: string,
    request: Pick<ClusterRequest, 'timeoutMs'> = {},
  ): Promise<Coverage & { readonly isMember: boolean }> {
    checkName('group', group);
    const { answers, asked } = await this.#ask('isMember', [group, connectionId], request, undefined);
    const isMember = answers.some(({ page }) => page.items.length > 0);
    return { isMember, asked, answered: answers.length };
  }

  /** Another node asks. */
  asked(value: unknown): void {
    const question = value as Question;
    if (question.from === this.nodeId) return;
    // Only those that have more are asked again.
    if (question.after !== undefined && !Object.hasOwn(question.after, this.nodeId)) return;
    this.#setting.link()?.publish(nodeTopic(question.from), answerMessage(this.#answer(question)));
  }

  /** Another node answers. */
  answered(value: unknown): void {
    const answer = value as Answer;
    if (typeof answer.node === 'string' && Array.isArray(answer.page?.items)) this.#open.get(answer.id)?.take(answer);
  }

  /** Nobody answers any more: whoever asks has what is there. */
  stop(): void {
    for (const { finish } of this.#open.values()) finish();
  }

  async #pages(subject: Subject, args: readonly string[], request: ClusterRequest = {}): Promise<ClusterPage<object>> {
    const after = request.after === undefined ? undefined : readCursor(request.after);
    const { answers, asked } = await this.#ask(subject, args, request, after);
    const next: Record<string, string> = {};
    const items: (object & { node: string })[] = [];
    for (const { node, page } of answers) {
      if (page.next !== undefined) next[node] = page.next;
      for (const item of page.items) items.push({ ...item, node });
    }
    const coverage = { asked, answered: answers.length };
    return Object.keys(next).length === 0 ? { items, ...coverage } : { items, next: cursorOf(next), ...coverage };
  }

  async #ask(
    subject: Subject,
    args: readonly string[],
    { limit, timeoutMs = DEFAULT_TIMEOUT_MS }: ClusterRequest,
    after: Readonly<Record<string, string>> | undefined,
  ): Promise<{ answers: readonly Answer[]; asked: number }> {
    checkCount('timeoutMs', timeoutMs, 1, MAX_DELAY_MS);
    // Here: what is wrong with it would show on other nodes only, when this one has no more.
    for (const from of [undefined, ...Object.values(after ?? {})])
      checkPage({ ...(limit !== undefined && { limit }), ...(from !== undefined && { after: from }) });
    const { clock } = this.#setting;
    const question: Question = { id: nanoid(), from: this.nodeId, subject, args, limit, after };
    const answers = new Map<string, Answer>();
    if (after === undefined || Object.hasOwn(after, this.nodeId)) answers.set(this.nodeId, this.#answer(question));
    const link = this.#setting.link();
    const expected = new Set(after === undefined ? [this.nodeId] : Object.keys(after));
    if (link === undefined) return { answers: [...answers.values()], asked: expected.size };

    let finish!: () => void;
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    const timer = clock.setTimeout(finish, timeoutMs);
    let isListed = false;
    const look = (): void => {
      if (isListed && [...expected].every((node) => answers.has(node))) finish();
    };
    const list = async (): Promise<void> => {
      for (const node of after === undefined ? await this.nodes() : []) expected.add(node);
      isListed = true;
      look();
    };
    const take = (answer: Answer): void => {
      answers.set(answer.node, answer);
      expected.add(answer.node);
      look();
    };
    this.#open.set(question.id, { take, finish });
    try {
      link.publish(ALL_NODES, askMessage(question));
      // Whoever is not listed and answers is counted all the same.
      void list();
      await finished;
    } finally {
      this.#open.delete(question.id);
      clock.clearTimeout(timer);
    }
    const sorted = [...answers.values()].toSorted((one, other) => (one.node < other.node ? -1 : 1));
    return { answers: sorted, asked: expected.size };
  }

  #answer({ id, subject, args, limit, after }: Question): Answer {
    const { sources, nodeId } = this.#setting;
    const from = after?.[nodeId];
    const none = { items: [] };
    const page: PageRequest = { ...(limit !== undefined && { limit }), ...(from !== undefined && { after: from }) };
    const [first = '', second = ''] = args;
    const answer = (): Page<object> => {
      switch (subject) {
        case 'connections':
          return sources.connections(first, page);
        case 'groups':
          return sources.groups(page);
        case 'members':
          return sources.members(first, page);
        case 'storedNames':
          return sources.storedNames(page);
        case 'isMember':
          return sources.isMember(first, second) ? { items: [{}] } : none;
        default:
          return none;
      }
    };
    return { id, node: nodeId, page: answer() };
  }
}

function cursorOf(next: Readonly<Record<string, string>>): string {
  return Buffer.from(JSON.stringify(next)).toString('base64url');
}

function readCursor(cursor: string): Readonly<Record<string, string>> {
  try {
    const value: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    if (typeof value === 'object' && value !== null && Object.values(value).every((from) => typeof from === 'string'))
      return value as Record<string, string>;
  } catch {
    // Said below.
  }
  throw new TroupeRangeError('TROUPE_ARGUMENT_INVALID', {
    argument: 'after',
    expected: 'the `next` of the page before',
    received: JSON.stringify(cursor),
  });
}
