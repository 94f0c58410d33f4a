/** `machines/connection.ts`, compiled: which method of a connection carries out which action. */
import { connectionMachine } from '../../machines/connection.ts';
import type { ConnectionEvent, ConnectionEventOf } from './connection-regions.ts';
import { OPEN } from './connection-events.ts';
import { chartLogic } from './chart-logic.ts';
import { compileChart } from './compiled-chart.ts';
import {
  reportCongested,
  reportCrash,
  reportThrottled,
  reportUnsettled,
  reportViolation,
} from './connection-reports.ts';
import { applyOutboundPolicy, closeForRate } from './connection-policies.ts';
import type { LiveConnection } from './connection.ts';

/** Each action is reached by certain events only; the chart says which. */
type ClosingEvent = ConnectionEventOf<'close.requested'>;
type MessageEvent = ConnectionEventOf<'ws.text'>;
type CrashEvent = ConnectionEventOf<'handler.failed'>;
type ViolationEvent = ConnectionEventOf<'protocol.violated'>;

export const connectionChart = compileChart<LiveConnection, ConnectionEvent>(connectionMachine, {
  actions: {
    runOpen: (connection) => connection.handling.open(connection, OPEN),
    runEvent: (connection, event) => connection.handling.run(connection, event as MessageEvent),
    runWaiting: (connection) => connection.runWaiting(),
    runClose: (connection) => connection.runClose(),
    keepWaiting: (connection, event) => connection.inbox.keep(event as MessageEvent),
    discardWaiting: (connection) => connection.inbox.discard(),
    stopReading: (connection) => connection.inbox.stopReading(),
    purge: (connection) => connection.purge(),
    startCloseTimer: (connection) => connection.startCloseTimer(),
    sendClose: (connection, event) => connection.sendClose(event as ClosingEvent),
    rememberFinish: (connection, event) => connection.rememberFinish(event as ClosingEvent),
    sendFinishClose: (connection) => connection.sendFinishClose(),
    rememberClose: (connection, event) => connection.rememberClose(event as ClosingEvent),
    reportCrash: (connection, event) => crashed(connection, event as CrashEvent),
    scheduleRestart: (connection) => connection.supervision?.restarts?.schedule(connection, 'message'),
    scheduleFreshStart: (connection) => connection.supervision?.restarts?.schedule(connection, 'opening'),
    scheduleOwnRestart: (connection) => connection.supervision?.restarts?.schedule(connection, 'itself'),
    cancelRestart: (connection) => connection.supervision?.restarts?.cancel(connection),
    beginAgain: (connection) => connection.supervision?.restarts?.begin(connection),
    reportViolation: (connection, event) => reportViolation(connection, event as ViolationEvent),
    reportUnsettled: (connection) => reportUnsettled(connection),
    reportCongested: (connection) => reportCongested(connection),
    destroySocket: (connection) => connection.destroySocket(),
    sendPing: (connection) => connection.sendPing(),
    applyOutboundPolicy,
    reportThrottled,
    closeForRate,
    renewAuth: (connection) => connection.admission?.renew(connection),
    finishExpired: (connection) => connection.admission?.finish(connection),
    closeExpired: (connection) => connection.admission?.close(connection),
    release: (connection) => connection.release(),
  },
  guards: {
    isMessageWaiting: (connection) => connection.waitingMessages > 0,
    mayRestart: (connection) => connection.supervision?.mayRestart(connection) ?? false,
  },
});

function crashed(connection: LiveConnection, event: CrashEvent): void {
  reportCrash(connection, event);
  connection.supervision?.crashed();
}

export const connectionLogic = chartLogic(connectionChart);
