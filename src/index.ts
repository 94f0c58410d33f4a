/** The public face of Troupe. */
export { asyncApiOf, isService } from './asyncapi/describe.ts';
export type { AsyncApiDocument, AsyncApiInfo } from './asyncapi/document.ts';
export { closeOnSignals, type CloseOnSignalsOptions } from './signals.ts';
export { closeCodes, isSendableCloseCode, type CloseCode } from './close-codes.ts';
export {
  errorCodes,
  TroupeError,
  TroupeRangeError,
  TroupeTypeError,
  type ErrorCode,
  type ErrorFields,
} from './errors.ts';
export type { OutboundPolicy } from './delivery/contract.ts';
export type { Address, ListenOptions } from './http/listen.ts';
export type { TrustProxy } from './http/client-address.ts';
export type { InspectorAddress } from './inspector-root.ts';
export type { InspectorOptions } from './inspector/options.ts';
export type { Inspector, ServiceSource, TroupeOptions } from './options.ts';
export {
  replayRecording,
  type Difference,
  type ReplayOptions,
  type ReplayReport,
  type ReplayStep,
} from './replay-root.ts';
export type { Clock } from './runtime/clock.ts';
export type { DrainOptions } from './runtime/drain.ts';
export type { Cluster, ClusterPage, ClusterRequest, Coverage, OnNode } from './service/cluster.ts';
export type { BackplaneHealth, Health, ServiceHealth } from './service/health.ts';
export type { GroupInfo, StoredNameInfo } from './service/queries.ts';
export {
  Authenticate,
  BasePath,
  OnAuthExpiring,
  OnAuthRenewed,
  OnBinaryMessage,
  OnClose,
  OnDraining,
  OnError,
  OnIdle,
  OnMessage,
  OnOpen,
  OnReplaced,
  OnTextMessage,
  ServiceConfig,
  WebSocketUpgradePath,
  type ServiceClass,
} from './service/annotations.ts';
export {
  authenticated,
  reject,
  type AuthAnswer,
  type Authenticated,
  type AuthLifetime,
  type AuthOf,
  type Rejection,
} from './service/auth.ts';
export type { CompressionOptions } from './service/compression.ts';
export type {
  AuthenticationState,
  Connection,
  ConnectionInfo,
  ConnectionState,
  Except,
  InboundState,
  GlobalFunctions,
  LivenessState,
  OutboundState,
  PushOptions,
} from './service/connection.ts';
export {
  defineService,
  type Handlers,
  type HttpListener,
  type MachineBehaviour,
  type MessageHandlers,
  type ServiceDefinition,
  type ServiceOptions,
  type ServicePath,
} from './service/definition.ts';
export type { HandshakeOptions, HandshakeRequest } from './service/handshake.ts';
export type { ResponseHeaders } from './service/response-headers.ts';
export type { WsEvent } from './service/events.ts';
export type { Limits, MessageRate, ServiceLimits } from './service/limits.ts';
export { messageActionsFor, type MessageActions } from './service/message-actions.ts';
export type { MessageConnection, MessageFunctions, Replying, RequestOptions } from './service/message-connection.ts';
export type {
  AnyMessageError,
  AnyMessages,
  ClientMessage,
  DirectionDeclarations,
  MessageDeclarations,
  MessageError,
  MessageEvent,
  MessageFault,
  MessageIn,
  MessageIssue,
  MessageOut,
  MessageRejection,
  MessageSchema,
  RefusalCode,
  ReplyFrom,
  ReplyTo,
  RequestDeclaration,
  RequestOut,
  RequestReference,
  ServerMessage,
} from './service/message-types.ts';
export { defineMessages, type MessageRefusal, type Messages } from './service/messages.ts';
export {
  connectionActions,
  serviceSetup,
  type MachineExpectations,
  type ServiceMachineInput,
} from './service/machine.ts';
export type { Answer, Delivery, DeliveryStatus, Outcome, OutcomeStatus, Page, PageRequest } from './service/outcome.ts';
export type { PathParams } from './service/path.ts';
export type { RecordedPart, RecorderOptions, Recording, RecordingFolder, RecordingGap } from './service/recorder.ts';
export {
  serviceActions,
  sharedSetup,
  type SharedMessageActions,
  type ToSharedActions,
} from './service/shared-actions.ts';
export type { Shared, SharedDeclaration, SharedOption, SharedSettings } from './service/shared.ts';
export type { Backoff, CrashIntensity, RestartLimit, SupervisionOptions } from './service/supervision.ts';
export type { TroupeEventListener, TroupeEventName, TroupeEvents } from './telemetry/events.ts';
export { createTroupe } from './troupe.ts';
export type { CloseOptions, Troupe } from './face.ts';
