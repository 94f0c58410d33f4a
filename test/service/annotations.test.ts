import { describe, expect, it } from 'vitest';
import {
  Authenticate,
  BasePath,
  createTroupe,
  OnBinaryMessage,
  OnClose,
  OnDraining,
  OnError,
  OnIdle,
  OnOpen,
  OnReplaced,
  OnTextMessage,
  ServiceConfig,
  WebSocketUpgradePath,
  type Connection,
  type HandshakeRequest,
} from 'troupe';
import { definitionOf } from '../../src/service/annotations.ts';
import { connect } from '../support/client.ts';
import { serve } from '../support/server.ts';

/** The methods that stand behind the handlers of a class. */
function methodsOf(service: unknown): Record<string, string> {
  const { behaviour } = definitionOf(service);
  if (behaviour.form !== 'class') throw new Error(`the form is ${behaviour.form}`);
  return Object.fromEntries([...behaviour.methods].map(([handler, method]) => [handler, String(method)]));
}

function thrown(action: () => unknown): unknown {
  try {
    action();
    return 'nothing';
  } catch (error) {
    return error;
  }
}

describe('the annotations of a class', () => {
  it('make a definition of it', () => {
    @BasePath('/chat')
    @WebSocketUpgradePath('/{room}')
    @ServiceConfig({ name: 'chat', subprotocols: ['v1'], limits: { maxPayload: 5 } })
    class Chat {
      @OnOpen() opened(): void {}
    }
    const { name, route, basePath, options, behaviour } = definitionOf(Chat);
    expect({ name, route: route.path, basePath: basePath.path, options }).toEqual({
      name: 'chat',
      route: '/chat/{room}',
      basePath: '/chat',
      options: { subprotocols: ['v1'], limits: { maxPayload: 5 } },
    });
    expect(behaviour).toMatchObject({ form: 'class', construct: Chat });
  });

  it('may leave one of the two paths out', () => {
    @BasePath('/base')
    class Base {
      @OnOpen() opened(): void {}
    }
    @WebSocketUpgradePath('/upgrade')
    class Upgrade {
      @OnOpen() opened(): void {}
    }
    expect([definitionOf(Base).name, definitionOf(Upgrade).name]).toEqual(['/base', '/upgrade']);
  });

  it('lead each handler to its method, whatever that is called', () => {
    const symbol = Symbol('idle');
    @BasePath('/all')
    class All {
      @OnOpen() a(): void {}
      @OnTextMessage() b(): void {}
      @OnBinaryMessage() c(): void {}
      @OnClose() d(): void {}
      @OnError() constructor_(): void {}
      @OnIdle() [symbol](): void {}
      @OnReplaced() onOpen(): void {}
      @OnDraining() h(): void {}
    }
    expect(methodsOf(All)).toEqual({
      onOpen: 'a',
      onTextMessage: 'b',
      onBinaryMessage: 'c',
      onClose: 'd',
      onError: 'constructor_',
      onIdle: 'Symbol(idle)',
      onReplaced: 'onOpen',
      onDraining: 'h',
    });
  });

  it('may stand together on one method', () => {
    @BasePath('/both')
    class Both {
      @OnOpen() @OnDraining() @OnIdle() tell(): void {}
    }
    expect(methodsOf(Both)).toEqual({ onOpen: 'tell', onDraining: 'tell', onIdle: 'tell' });
  });

  it('are read once: a class has one definition', () => {
    @BasePath('/once')
    class Once {
      @OnOpen() opened(): void {}
    }
    expect(definitionOf(Once)).toBe(definitionOf(Once));
  });

  it('without any method annotation are a service without behaviour', () => {
    @BasePath('/silent')
    class Silent {
      opened(): void {}
    }
    expect(thrown(() => definitionOf(Silent))).toMatchObject({
      code: 'TROUPE_SERVICE_WITHOUT_BEHAVIOUR',
      fields: { service: '/silent' },
    });
  });

  it('without any path are no service', () => {
    class Nowhere {
      @OnOpen() opened(): void {}
    }
    expect(thrown(() => definitionOf(Nowhere))).toMatchObject({
      code: 'TROUPE_SERVICE_NOT_DEFINED',
      message: expect.stringContaining('@BasePath'),
    });
  });

  it('with an invalid path are the typed error of paths', () => {
    @BasePath('/{a')
    class Wrong {
      @OnOpen() opened(): void {}
    }
    expect(thrown(() => createTroupe({ services: [Wrong] }))).toMatchObject({ code: 'TROUPE_PATH_INVALID' });
  });

  it.each([
    undefined,
    null,
    5,
    {},
    () => undefined,
    class {
      field = 1;
    },
  ])('are missing from %s', (value) => {
    expect(thrown(() => definitionOf(value))).toMatchObject({ code: 'TROUPE_SERVICE_NOT_DEFINED' });
  });
});

describe('a subclass', () => {
  @BasePath('/base')
  @WebSocketUpgradePath('/ws')
  @ServiceConfig({ subprotocols: ['v1'] })
  class Base {
    @OnOpen() opened(connection: Connection): void {
      connection.pushText('base opened');
    }
    @OnTextMessage() said(connection: Connection, text: string): void {
      connection.pushText(`base ${text}`);
    }
  }

  it('inherits paths, options and methods', () => {
    @WebSocketUpgradePath('/other')
    class Sub extends Base {}
    expect(definitionOf(Sub)).toMatchObject({ name: '/base/other', options: { subprotocols: ['v1'] } });
    expect(methodsOf(Sub)).toEqual({ onOpen: 'opened', onTextMessage: 'said' });
  });

  it('leaves its base class as it was', () => {
    @BasePath('/sub')
    class Sub extends Base {
      @OnOpen() mine(): void {}
      @OnClose() left(): void {}
    }
    expect(methodsOf(Sub)).toEqual({ onOpen: 'mine', onTextMessage: 'said', onClose: 'left' });
    expect(methodsOf(Base)).toEqual({ onOpen: 'opened', onTextMessage: 'said' });
    expect(definitionOf(Base).name).toBe('/base/ws');
  });

  it('may override an inherited method with or without the annotation, and put the annotation on another', async () => {
    @BasePath('/sub')
    class Sub extends Base {
      override said(connection: Connection, text: string): void {
        connection.pushText(`sub ${text}`);
      }
      @OnOpen() also(connection: Connection): void {
        connection.pushText('sub opened');
      }
    }
    const server = await serve([Sub, Base]);
    const client = await connect(server.url('/sub/ws'));
    client.send('hello');
    expect(await client.take(2)).toEqual(['sub opened', 'sub hello']);
    const other = await connect(server.url('/base/ws'));
    other.send('hello');
    expect(await other.take(2)).toEqual(['base opened', 'base hello']);
  });

  it('may not have two methods of its own for one handler', () => {
    const define = () => {
      @BasePath('/sub')
      class Sub extends Base {
        @OnOpen() one(): void {}
        @OnOpen() two(): void {}
      }
      return Sub;
    };
    expect(thrown(define)).toMatchObject({ code: 'TROUPE_ANNOTATION_DUPLICATE' });
  });
});

describe('an annotation that stands twice', () => {
  it('is the typed error that names the annotation and the second method', () => {
    const define = () => {
      @BasePath('/twice')
      class Twice {
        @OnTextMessage() one(): void {}
        @OnTextMessage() two(): void {}
      }
      return Twice;
    };
    expect(thrown(define)).toMatchObject({
      code: 'TROUPE_ANNOTATION_DUPLICATE',
      fields: { annotation: 'OnTextMessage', method: 'two' },
    });
  });

  it('on the same method is harmless', () => {
    @BasePath('/same')
    class Same {
      @OnOpen() @OnOpen() opened(): void {}
    }
    expect(methodsOf(Same)).toEqual({ onOpen: 'opened' });
  });
});

describe('the annotation Authenticate', () => {
  const request = {} as HandshakeRequest;
  const authOf = (service: unknown): unknown => definitionOf(service).handshake?.authenticate?.(request);

  it('has its static method say who a handshake comes from, with the class as this', () => {
    @BasePath('/a')
    class Guarded {
      static user = 'ada';
      @Authenticate()
      static admits() {
        return this.user;
      }
      @OnOpen()
      opened() {}
    }
    class Extended extends Guarded {
      static override user = 'bob';
    }
    expect([authOf(Guarded), authOf(Extended)]).toEqual(['ada', 'bob']);
  });

  it('may be overridden in a subclass, by an option as well', () => {
    @BasePath('/a')
    class Guarded {
      @Authenticate()
      static admits(): string {
        return 'ada';
      }
      @OnOpen()
      opened() {}
    }
    class Own extends Guarded {
      @Authenticate()
      static lets() {
        return 'bob';
      }
    }
    @ServiceConfig({ authenticate: () => 'eve' })
    class Configured extends Guarded {}
    expect([authOf(Own), authOf(Configured), authOf(Guarded)]).toEqual(['bob', 'eve', 'ada']);
  });

  it('is the typed error when it stands twice, or beside the option', () => {
    expect(() => {
      class Twice {
        @Authenticate()
        static one() {}
        @Authenticate()
        static two() {}
        @OnOpen()
        opened() {}
      }
      return Twice;
    }).toThrow(/^@Authenticate stands on more than one method of its class; the second is "two"/);
    expect(() => {
      @BasePath('/a')
      @ServiceConfig({ authenticate: () => 'ada' })
      class Both {
        @Authenticate()
        static admits() {}
      }
      return Both;
    }).toThrow(/^@Authenticate stands on more than one method/);
  });

  it('is inherited, also by a subclass with options of its own', () => {
    @BasePath('/a')
    @ServiceConfig({ authenticate: () => 'ada', limits: { maxPayload: 5 } })
    class Guarded {
      @OnOpen()
      opened() {}
    }
    @ServiceConfig({ name: 'mine' })
    class Named extends Guarded {}
    class Annotated extends Guarded {
      @Authenticate()
      static admits() {
        return 'bob';
      }
    }
    expect([authOf(Named), authOf(Annotated), authOf(Guarded)]).toEqual(['ada', 'bob', 'ada']);
    expect(definitionOf(Named)).toMatchObject({ name: 'mine', options: { limits: { maxPayload: 5 } } });
  });

  it('is the typed error for a method of an instance', () => {
    expect(() => {
      class Misplaced {
        // @ts-expect-error: what is annotated is static
        @Authenticate() admits() {}
      }
      return Misplaced;
    }).toThrow('@Authenticate belongs on a public static method, not on the method "admits".');
  });
});

describe('an annotation in a wrong place', () => {
  // The types refuse all of these; programs without types are told at run time.
  const method = OnOpen as unknown as () => (value: unknown, context: unknown) => never;
  const onClass = BasePath as unknown as (path: string) => (value: unknown, context: unknown) => never;

  it('is the typed error for a static method', () => {
    const define = () => {
      class Wrong {
        field = 1;
        @method() static opened(): void {}
      }
      return Wrong;
    };
    expect(thrown(define)).toMatchObject({
      code: 'TROUPE_ANNOTATION_MISPLACED',
      fields: { annotation: 'OnOpen', found: 'the static method "opened"' },
    });
  });

  it('is the typed error for a private method', () => {
    const define = () => {
      class Wrong {
        // oxlint-disable-next-line no-unused-private-class-members -- only its annotation matters
        @method() #opened(): void {}
      }
      return Wrong;
    };
    expect(thrown(define)).toMatchObject({
      code: 'TROUPE_ANNOTATION_MISPLACED',
      fields: { found: 'the method "#opened"' },
    });
  });

  it('is the typed error for a field, also one that holds a function', () => {
    const define = () => {
      class Wrong {
        @method() opened = (): void => undefined;
      }
      return Wrong;
    };
    expect(thrown(define)).toMatchObject({
      code: 'TROUPE_ANNOTATION_MISPLACED',
      fields: { found: 'the field "opened"' },
    });
  });

  it('is the typed error for a getter', () => {
    const define = () => {
      class Wrong {
        @method() get opened(): number {
          return 1;
        }
      }
      return Wrong;
    };
    expect(thrown(define)).toMatchObject({
      code: 'TROUPE_ANNOTATION_MISPLACED',
      fields: { found: 'the getter "opened"' },
    });
  });

  it('is the typed error for a method annotation on a class', () => {
    const define = () => {
      @method()
      class Wrong {}
      return Wrong;
    };
    expect(thrown(define)).toMatchObject({
      code: 'TROUPE_ANNOTATION_MISPLACED',
      fields: { found: 'the class "Wrong"' },
    });
  });

  it('is the typed error for a class annotation on a method', () => {
    const define = () => {
      class Wrong {
        @onClass('/x') opened(): void {}
      }
      return Wrong;
    };
    expect(thrown(define)).toMatchObject({
      code: 'TROUPE_ANNOTATION_MISPLACED',
      fields: { annotation: 'BasePath', expected: 'a class', found: 'the method "opened"' },
    });
  });
});

describe('legacy decorators', () => {
  // With "experimentalDecorators" a compiler calls a decorator of a class with the class alone, and one of a
  // method with the prototype, the name and the descriptor.
  class Legacy {
    opened(): void {}
  }
  type Legacy_ = (...args: unknown[]) => unknown;

  it.each<[string, () => unknown]>([
    ['a class', () => (BasePath('/x') as Legacy_)(Legacy)],
    [
      'a method',
      () =>
        (OnOpen() as unknown as Legacy_)(
          Legacy.prototype,
          'opened',
          Object.getOwnPropertyDescriptor(Legacy.prototype, 'opened'),
        ),
    ],
    ['a configured class', () => (ServiceConfig({}) as Legacy_)(Legacy)],
  ])('on %s are the typed error that says which compiler option to remove', (_title, call) => {
    expect(thrown(call)).toMatchObject({
      code: 'TROUPE_ANNOTATION_MISPLACED',
      message: expect.stringContaining('experimentalDecorators'),
    });
  });

  it('of a compiler without metadata are the typed error that says which compiler has it', () => {
    const context = { kind: 'class', name: 'Old', metadata: undefined, addInitializer: () => undefined };
    expect(thrown(() => (BasePath('/x') as Legacy_)(Legacy, context))).toMatchObject({
      code: 'TROUPE_ANNOTATION_MISPLACED',
      message: expect.stringContaining('TypeScript 5.2'),
    });
  });
});

describe('instances', () => {
  it('belong to one connection each: fields are its state, and this is the instance', async () => {
    @BasePath('/count')
    class Counter {
      #count = 0;
      static instances = 0;
      constructor() {
        Counter.instances += 1;
      }
      @OnTextMessage() said(connection: Connection): void {
        this.#count += 1;
        connection.pushText(`${this.#count}`);
      }
    }
    const server = await serve([Counter]);
    expect(Counter.instances).toBe(0);
    const [one, two] = [await connect(server.url('/count')), await connect(server.url('/count'))];
    for (const client of [one, one, two]) client.send('more');
    expect(await one.take(2)).toEqual(['1', '2']);
    expect(await two.next()).toBe('1');
    expect(Counter.instances).toBe(2);
  });

  it('hand each method what belongs to its event', async () => {
    @BasePath('/all')
    class All {
      @OnOpen() opened(connection: Connection, ...rest: unknown[]): void {
        connection.pushText(`opened ${rest.filter((one) => one !== undefined).length}`);
      }
      @OnTextMessage() said(connection: Connection, text: string): void {
        connection.pushText(`text ${text}`);
      }
      @OnBinaryMessage() sent(connection: Connection, data: Uint8Array): void {
        connection.pushText(`binary ${[...data].join()}`);
      }
      @OnReplaced() replaced(connection: Connection, { name }: { name: string }): void {
        connection.pushText(`replaced ${name}`);
      }
    }
    const server = await serve([All]);
    const client = await connect(server.url('/all'));
    client.send('hi');
    client.send(Uint8Array.of(1, 2));
    expect(await client.take(3)).toEqual(['opened 0', 'text hi', 'binary 1,2']);
  });

  it('whose constructor throws end that connection with 1011, and the service goes on', async () => {
    @BasePath('/picky')
    class Picky {
      static isWilling = false;
      constructor() {
        if (!Picky.isWilling) throw new Error('not now');
      }
      @OnOpen() opened(connection: Connection): void {
        connection.pushText('welcome');
      }
    }
    const server = await serve([Picky]);
    const crashes: string[] = [];
    server.troupe.on('connection.crashed', ({ error }) => void crashes.push((error as Error).message));
    const refused = await connect(server.url('/picky'));
    expect((await refused.closed).code).toBe(1011);
    expect(crashes).toEqual(['not now']);
    Picky.isWilling = true;
    expect(await (await connect(server.url('/picky'))).next()).toBe('welcome');
  });
});
