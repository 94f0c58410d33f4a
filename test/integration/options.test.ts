/** What a program in plain JavaScript misspells is said at once, not in silence later. */
import { closeOnSignals, createTroupe, defineService, type Troupe, type TroupeOptions } from 'troupe';
import { expect, it } from 'vitest';

const service = defineService({ basePath: '/a', onOpen: () => undefined });

function thrown(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  return undefined;
}

it.each<[string, unknown]>([
  ['an array in the place of the options', [service]],
  ['a misspelt option', { service: [service] }],
  ['one service in the place of a list', { services: service }],
])('createTroupe refuses %s', (_title, options) => {
  expect(thrown(() => createTroupe(options as TroupeOptions))).toMatchObject({ code: 'TROUPE_ARGUMENT_INVALID' });
});

it('listen refuses a bare port, and can be called again', async () => {
  const troupe = createTroupe({ services: [service] });
  await expect(troupe.listen(9090 as never)).rejects.toMatchObject({
    code: 'TROUPE_ARGUMENT_INVALID',
    fields: { expected: expect.stringContaining('port') },
  });
  expect((await troupe.listen()).port).toBeGreaterThan(0);
  await troupe.close();
});

it('on refuses an event that does not exist, and what is no listener', () => {
  const troupe = createTroupe();
  expect(thrown(() => troupe.on('conection.opened' as never, () => {}))).toMatchObject({
    code: 'TROUPE_ARGUMENT_INVALID',
    fields: { expected: expect.stringContaining('connection.opened') },
  });
  expect(thrown(() => troupe.on('connection.opened', undefined as never))).toMatchObject({
    code: 'TROUPE_ARGUMENT_INVALID',
  });
});

it('closeOnSignals refuses what is no Troupe', () => {
  expect(thrown(() => closeOnSignals(undefined as unknown as Troupe))).toMatchObject({
    code: 'TROUPE_ARGUMENT_INVALID',
  });
});
