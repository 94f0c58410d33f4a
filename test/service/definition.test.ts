import { describe, expect, it } from 'vitest';
import { createTroupe, defineService, TroupeError, TroupeTypeError, type ServiceSource } from 'troupe';
import { isServiceDefinition } from '../../src/service/definition.ts';
import { setup } from 'xstate';

const behaviour = { onOpen: () => undefined };

/** What a program without types passes. */
function define(definition: unknown): unknown {
  return defineService(definition as Parameters<typeof defineService>[0]);
}

function thrown(action: () => unknown): unknown {
  try {
    action();
    return 'nothing';
  } catch (error) {
    return error;
  }
}

describe('a definition', () => {
  it('has its route as its name unless it is given one', () => {
    expect(defineService({ basePath: 'chat/', webSocketUpgradePath: '{room}', ...behaviour }).name).toBe(
      '/chat/{room}',
    );
    expect(defineService({ basePath: '/chat', name: 'chat', ...behaviour }).name).toBe('chat');
    expect(defineService(behaviour).name).toBe('/');
  });

  it('knows its base path apart from its route', () => {
    const { basePath, route } = defineService({ basePath: '/a/{b}', webSocketUpgradePath: '/ws', ...behaviour });
    expect([basePath.path, route.path]).toEqual(['/a/{b}', '/a/{b}/ws']);
  });

  it('keeps the options and leaves out what was not given', () => {
    const http = (): void => undefined;
    const options = {
      subprotocols: ['v1'],
      subprotocolRequired: true,
      allowedOrigins: '*',
      limits: { maxPayload: 5 },
      http,
    } as const;
    expect(defineService({ basePath: '/a', ...behaviour, ...options }).options).toEqual(options);
    expect(defineService({ basePath: '/a', ...behaviour }).options).toEqual({});
  });

  it('asks nothing of a handshake unless it says so', () => {
    expect(defineService({ basePath: '/a', ...behaviour }).handshake).toBeUndefined();
    const { handshake } = defineService({
      basePath: '/a',
      ...behaviour,
      authenticate: () => 'ada',
      responseHeaders: { 'X-A': ['1', '2'], 'X-B': '3' },
    });
    expect(Object.keys(handshake!)).toEqual(['authenticate', 'responseHeaders']);
    expect(handshake?.responseHeaders).toEqual([
      ['X-A', '1'],
      ['X-A', '2'],
      ['X-B', '3'],
    ]);
  });

  it.each([
    [{ authenticate: 'yes' }, 'authenticate must be a function, but is a string.'],
    [{ selectSubprotocol: {} }, 'selectSubprotocol must be a function, but is an object.'],
    [
      { reauthenticate: () => 'ada' },
      'authenticate must be a function, as there is a reauthenticate, but is undefined.',
    ],
    [{ query: { parse: () => 1 } }, 'query must be a Standard Schema, but is an object.'],
    [{ params: { '~standard': {} } }, 'params must be a Standard Schema, but is an object.'],
    [{ responseHeaders: 'X-A: 1' }, 'responseHeaders must be an object with headers by name, but is a string.'],
  ])('is a TypeError for %j', (options, message) => {
    expect(thrown(() => define({ basePath: '/a', ...behaviour, ...options }))).toMatchObject({
      name: 'TroupeTypeError',
      message,
    });
  });

  it('is frozen, recognised, and may be used in several Troupes', () => {
    const service = defineService({ basePath: '/a', ...behaviour });
    expect(Object.isFrozen(service)).toBe(true);
    expect(isServiceDefinition(service)).toBe(true);
    expect(isServiceDefinition({ ...service })).toBe(false);
    for (let count = 0; count < 2; count += 1) expect(createTroupe({ services: [service] }).services()).toEqual(['/a']);
  });

  it('keeps the machine', () => {
    const machine = setup({}).createMachine({});
    expect(defineService({ basePath: '/a', machine }).behaviour).toEqual({ form: 'machine', machine });
  });
});

describe('a definition without behaviour', () => {
  it.each([{}, { basePath: '/a' }, { basePath: '/a', http: () => undefined }])(
    'is a typed error that names the service: %#',
    (definition) => {
      const error = thrown(() => define(definition));
      expect(error).toBeInstanceOf(TroupeError);
      expect(error).toMatchObject({ code: 'TROUPE_SERVICE_WITHOUT_BEHAVIOUR' });
    },
  );
});

describe('a definition with a name that nothing has', () => {
  it.each([
    ['onMesage', { basePath: '/a', onMesage: () => undefined }],
    ['basepath', { basepath: '/a', onOpen: () => undefined }],
  ])('is a TypeError that lists the names there are: %s', (name, definition) => {
    // A misspelt handler would never run, and a misspelt path would be the default one, both in silence.
    expect(thrown(() => define(definition))).toMatchObject({
      code: 'TROUPE_ARGUMENT_INVALID',
      fields: { argument: `definition.${name}`, expected: expect.stringContaining('onTextMessage') },
    });
  });
});

describe('a definition with a value of a wrong type', () => {
  it.each<[string, object]>([
    ['basePath', { basePath: 5 }],
    ['basePath', { basePath: null }],
    ['webSocketUpgradePath', { webSocketUpgradePath: /x/ }],
    ['name', { name: 5 }],
    ['name', { name: '' }],
    ['http', { http: 'x' }],
    ['onTextMessage', { onTextMessage: 'x' }],
    ['onOpen', { onOpen: null }],
    ['onOpen', { onOpen: {} }],
  ])('is a TypeError that names %s: %#', (argument, fields) => {
    const error = thrown(() => define({ ...behaviour, ...fields }));
    expect(error).toBeInstanceOf(TroupeTypeError);
    expect(error).toMatchObject({ code: 'TROUPE_ARGUMENT_INVALID', fields: { argument } });
  });

  // A string is iterable and has `includes`, so a missing pair of brackets would match parts of a subprotocol.
  it.each<[string, object]>([
    ['subprotocols', { subprotocols: 'chat' }],
    ['subprotocols', { subprotocols: [5] }],
    ['subprotocolRequired', { subprotocolRequired: 'yes' }],
    ['allowedOrigins', { allowedOrigins: 'https://app.example' }],
    ['allowedOrigins', { allowedOrigins: [5] }],
    ['limits', { limits: 5 }],
  ])('is a TypeError at the definition for %s: %#', (argument, fields) => {
    const error = thrown(() => define({ ...behaviour, ...fields }));
    expect(error).toBeInstanceOf(TroupeTypeError);
    expect(error).toMatchObject({ code: 'TROUPE_ARGUMENT_INVALID', fields: { argument } });
  });

  // The functions that take a service's name take at most 512 bytes, so a longer one could not be used.
  it('is a TypeError for a name that no function would take', () => {
    expect(thrown(() => define({ ...behaviour, name: 'x'.repeat(513) }))).toBeInstanceOf(TroupeTypeError);
  });

  it.each([null, undefined, 5, 'x', () => undefined])('is a typed error when it is %s itself', (definition) => {
    expect(thrown(() => define(definition))).toMatchObject({ code: 'TROUPE_SERVICE_NOT_DEFINED' });
  });
});

describe('a definition with a machine', () => {
  it.each([
    undefined,
    null,
    {},
    'machine',
    { id: 'chat', states: {} },
    class Machine {
      field = 1;
    },
  ])('that is none is a typed error: %#', (machine) => {
    const error = thrown(() => define({ basePath: '/a', machine }));
    expect(error).toMatchObject({ code: 'TROUPE_MACHINE_INVALID', fields: { service: '/a' } });
  });

  // Only one of them can run; which one must not be a guess.
  it('and handlers is a typed error', () => {
    const machine = setup({}).createMachine({});
    expect(thrown(() => define({ basePath: '/a', machine, ...behaviour }))).toMatchObject({
      code: expect.stringMatching(/^TROUPE_/),
    });
  });
});

describe('a definition with an invalid path', () => {
  it('is a typed error that names the service', () => {
    const error = thrown(() => define({ name: 'chat', basePath: '/{a', ...behaviour }));
    expect(error).toMatchObject({ code: 'TROUPE_PATH_INVALID', fields: { service: 'chat', path: '/{a' } });
  });
});

describe('registering', () => {
  const service = (definition: object): ServiceSource => define({ ...behaviour, ...definition }) as ServiceSource;

  it('the same route twice is a typed error that names both, whatever the parameters are called', () => {
    const services = [
      service({ name: 'one', basePath: '/a/{b}' }),
      service({ name: 'two', basePath: 'a', webSocketUpgradePath: '{c}' }),
    ];
    expect(thrown(() => createTroupe({ services }))).toMatchObject({
      code: 'TROUPE_ROUTE_TAKEN',
      fields: { route: '/a/{c}', service: 'two', otherService: 'one' },
    });
  });

  it('the same name twice is a typed error that names both routes', () => {
    const services = [service({ name: 'one', basePath: '/a' }), service({ name: 'one', basePath: '/b' })];
    expect(thrown(() => createTroupe({ services }))).toMatchObject({
      code: 'TROUPE_SERVICE_NAME_TAKEN',
      fields: { service: 'one', route: '/b', otherRoute: '/a' },
    });
  });

  it.each([
    ['an object like a definition', { name: 'x', route: '/x' }],
    ['a string', '/x'],
    ['nothing', undefined],
    [
      'a class without annotations',
      class Plain {
        field = 1;
      },
    ],
    ['a function', () => undefined],
  ])('%s is a typed error with the remedy', (_title, value) => {
    const error = thrown(() => createTroupe({ services: [value as unknown as ServiceSource] }));
    expect(error).toMatchObject({
      code: 'TROUPE_SERVICE_NOT_DEFINED',
      message: expect.stringContaining('defineService({...})'),
    });
  });
});
