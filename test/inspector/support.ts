import { onTestFinished } from 'vitest';
import type { InspectorOptions } from 'troupe';
import { SUBPROTOCOL, type ServerFrame, type ViewerRequest } from 'troupe/inspector';
import { connect, type Client, type ConnectOptions } from '../support/client.ts';
import { serve, type ServeOptions, type Server } from '../support/server.ts';
import type { ServiceSource } from 'troupe';

type FrameOf<Type extends ServerFrame['type']> = Extract<ServerFrame, { readonly type: Type }>;
/** A request without its number, which the viewer gives it. */
type Question = ViewerRequest extends infer Request
  ? Request extends ViewerRequest
    ? Omit<Request, 'request'>
    : never
  : never;

/** A viewer on a real socket: what it is told is awaited by its type. */
export class TestViewer {
  readonly client: Client;
  /** Everything that it was told, in order. */
  readonly all: ServerFrame[] = [];
  #asked = 0;

  constructor(client: Client) {
    this.client = client;
  }

  async nextFrame(): Promise<ServerFrame> {
    const frame = JSON.parse((await this.client.next()) as string) as ServerFrame;
    this.all.push(frame);
    return frame;
  }

  /** The next frame of that type that fits; what comes before it is passed over. */
  async until<Type extends ServerFrame['type']>(
    type: Type,
    fits: (frame: FrameOf<Type>) => boolean = () => true,
  ): Promise<FrameOf<Type>> {
    for (;;) {
      const frame = await this.nextFrame();
      if (frame.type === type && fits(frame as FrameOf<Type>)) return frame as FrameOf<Type>;
    }
  }

  /** Asks, and awaits the answer. */
  async ask(question: Question): Promise<ServerFrame> {
    const request = ++this.#asked;
    this.client.send(JSON.stringify({ ...question, request }));
    for (;;) {
      const frame = await this.nextFrame();
      if ('request' in frame && frame.request === request) return frame;
    }
  }

  /** Asks, and expects an answer of that type. */
  async get<Type extends ServerFrame['type']>(type: Type, question: Question): Promise<FrameOf<Type>> {
    const answer = await this.ask(question);
    if (answer.type !== type) throw new Error(`expected ${type}, but was answered ${JSON.stringify(answer)}`);
    return answer as FrameOf<Type>;
  }
}

export interface Watched extends Server {
  /** Where viewers connect, with the token. */
  readonly viewersUrl: string;
  /** A viewer that speaks the subprotocol. */
  view(options?: ConnectOptions): Promise<TestViewer>;
  /** A viewer that understands no more than the frames of `@statelyai/inspect`. */
  viewPlainly(): Promise<TestViewer>;
}

export const WS = '/__inspector/ws';

/** A server with an inspector. */
export async function serveInspected(
  services: readonly ServiceSource[],
  inspector: true | InspectorOptions = true,
  options: ServeOptions = {},
): Promise<Watched> {
  const server = await serve(services, { ...options, inspector });
  const viewersUrl = server.url(`${WS}?token=${server.troupe.inspector!.token}`);
  const view = async (options: ConnectOptions): Promise<TestViewer> => {
    const viewer = new TestViewer(await connect(viewersUrl, options));
    onTestFinished(() => viewer.client.socket.terminate());
    return viewer;
  };
  return {
    ...server,
    viewersUrl,
    view: (options) => view({ protocols: SUBPROTOCOL, ...options }),
    viewPlainly: () => view({}),
  };
}
