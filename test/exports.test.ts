import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import * as troupe from 'troupe';

// What users build on. A name that comes or goes is a decision, and its place in this list shows it was made.
const names = [
  'Authenticate',
  'BasePath',
  'OnAuthExpiring',
  'OnAuthRenewed',
  'OnBinaryMessage',
  'OnClose',
  'OnDraining',
  'OnError',
  'OnIdle',
  'OnMessage',
  'OnOpen',
  'OnReplaced',
  'OnTextMessage',
  'ServiceConfig',
  'TroupeError',
  'TroupeRangeError',
  'TroupeTypeError',
  'WebSocketUpgradePath',
  'asyncApiOf',
  'authenticated',
  'closeCodes',
  'closeOnSignals',
  'connectionActions',
  'createTroupe',
  'defineMessages',
  'defineService',
  'errorCodes',
  'isSendableCloseCode',
  'isService',
  'messageActionsFor',
  'reject',
  'replayRecording',
  'serviceActions',
  'serviceSetup',
  'sharedSetup',
];

const troupeMembers = [
  'attach',
  'attachService',
  'broadcastBinary',
  'broadcastText',
  'close',
  'closeConnectionGroup',
  'closeStoredConnection',
  'cluster',
  'connections',
  'detachService',
  'groups',
  'handleUpgrade',
  'health',
  'inspect',
  'inspector',
  'isMember',
  'listen',
  'members',
  'on',
  'pushBinaryToConnection',
  'pushBinaryToGroup',
  'pushTextToConnection',
  'pushTextToGroup',
  'recording',
  'removeConnectionGroup',
  'removeStoredConnection',
  'replaceService',
  'services',
  'shared',
  'storedNames',
];

describe('the public face', () => {
  it('has exactly these names at run time', () => {
    expect(Object.keys(troupe).toSorted()).toEqual(names);
  });

  it('has functions and classes, and two catalogues that cannot be changed', () => {
    const { closeCodes, connectionActions, errorCodes, serviceActions, ...rest } = { ...troupe };
    for (const one of Object.values({ ...rest, ...connectionActions, ...serviceActions }))
      expect(typeof one).toBe('function');
    expect([Object.isFrozen(errorCodes), Object.isFrozen(closeCodes)]).toEqual([true, true]);
  });

  it('makes a Troupe with exactly these members', () => {
    expect(Object.keys(troupe.createTroupe()).toSorted()).toEqual(troupeMembers);
  });

  it('is made of named exports alone: nothing is exported whole, and nothing by default', () => {
    const index = readFileSync(new URL('../src/index.ts', import.meta.url), 'utf8');
    expect(index).not.toMatch(/export \*|export default/);
  });

  it('is what package.json exports, and nothing else can be imported', () => {
    const { exports } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
      exports: object;
    };
    expect(Object.keys(exports)).toEqual([
      '.',
      './backplane',
      './inspector',
      './nats',
      './otel',
      './redis',
      './testing',
      './package.json',
    ]);
  });
});
