/**
 * The types of a service's messages, worked out of their schemas.
 *
 * A schema has two sides. Of an incoming message the remote side sends the input and the service gets the output; of
 * an outgoing one the service gives the input and the remote side gets the output, as JSON carries it.
 */
import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { TroupeError } from '../errors.ts';

/** Describes a message's fields, without its type: a schema of any library that follows Standard Schema. */
export type MessageSchema = StandardSchemaV1<object, object>;

/** A message that is answered by a reply. */
export interface RequestDeclaration {
  readonly message: MessageSchema;
  readonly reply: StandardSchemaV1;
}

/** The messages of one direction, by type. */
export type DirectionDeclarations = Readonly<Record<string, MessageSchema | RequestDeclaration>>;

/** What a service says of its messages; see `defineMessages`. */
export interface MessageDeclarations {
  /** What the service takes, by type. A type is the value of the discriminator, any text. */
  readonly incoming?: DirectionDeclarations;
  /** What the service sends, by type. Their schemas must answer at once. */
  readonly outgoing?: DirectionDeclarations;
  /** The refusals that handlers may throw: for each code, the text that the remote side gets. */
  readonly errors?: Readonly<Record<string, string>>;
  /** The field that holds a message's type. @defaultValue 'type' */
  readonly discriminator?: string;
  /** The field of requests, replies and errors that says which belong together. @defaultValue 'id' */
  readonly correlation?: string;
  /**
   * What becomes of a message that is none, is not declared, or fails its schema: an error is sent back, or the
   * connection is closed with 1007. The service never gets it. @defaultValue 'reply'
   */
  readonly onInvalidMessage?: 'reply' | 'close';
  /**
   * What becomes of a message that a machine does not take in its present state: nothing, or an error is sent back that
   * names the state and the types that have a transition in it. For machines only. @defaultValue 'ignore'
   */
  readonly onUnacceptedMessage?: 'ignore' | 'reply';
  /** How deeply objects and arrays may lie in one another. @defaultValue 32 */
  readonly maxDepth?: number;
  /** How many requests to one connection may wait for their replies. @defaultValue 64 */
  readonly maxRequests?: number;
}

/** Which request a reply is for. */
export interface RequestReference {
  /** The type of the request. */
  readonly type: string;
  /** What the remote side called it. Untrusted. */
  readonly id: string | number;
}

type In<D extends MessageDeclarations> = D['incoming'] & object;
type Out<D extends MessageDeclarations> = D['outgoing'] & object;

// Schemas have members of all kinds, of their own `message` for example: whether it is one is asked first.
type SchemaOf<Declared> = Declared extends StandardSchemaV1
  ? Declared
  : Declared extends { readonly message: infer Schema }
    ? Schema
    : never;
type ReplyOf<Declared> = Declared extends { readonly reply: infer Schema } ? Schema : never;
type InputOf<Schema> = Schema extends StandardSchemaV1 ? Named<StandardSchemaV1.InferInput<Schema>> : never;
type OutputOf<Schema> = Schema extends StandardSchemaV1 ? Named<StandardSchemaV1.InferOutput<Schema>> : never;

type Discriminator<D> = D extends { readonly discriminator: infer Key extends string } ? Key : 'type';
type Correlation<D> = D extends { readonly correlation: infer Key extends string } ? Key : 'id';
type Typed<D, Type extends string, Fields> = Fields extends unknown
  ? { readonly [Key in Discriminator<D>]: Type } & Readonly<Fields>
  : never;
/** Without the index signature by which some libraries say that there are no fields. */
type Named<Fields> =
  Fields extends Readonly<Record<string, never>> ? (string extends keyof Fields ? unknown : Fields) : Fields;

/** The types among `Declared` that are, or are not, requests. */
type Requests<Declared> = {
  [Type in keyof Declared & string]: Declared[Type] extends StandardSchemaV1
    ? never
    : Declared[Type] extends RequestDeclaration
      ? Type
      : never;
}[keyof Declared & string];
type Notices<Declared> = Exclude<keyof Declared & string, Requests<Declared>>;

/** What JSON makes of a value. */
type Json<Value> = Value extends { toJSON(): infer Text }
  ? Text
  : Value extends object
    ? { [Key in keyof Value]: Json<Value[Key]> }
    : Value;

/** Messages as `defineMessages` returns them, of any declaration. */
export interface AnyMessages {
  readonly declarations: MessageDeclarations;
}

/** What a service gets: the union of its incoming messages. */
export type MessageIn<M extends AnyMessages> = {
  [Type in keyof In<M['declarations']> & string]: Typed<
    M['declarations'],
    Type,
    OutputOf<SchemaOf<In<M['declarations']>[Type]>>
  >;
}[keyof In<M['declarations']> & string];

type Given<M extends AnyMessages, Type extends keyof Out<M['declarations']> & string> = Typed<
  M['declarations'],
  Type,
  InputOf<SchemaOf<Out<M['declarations']>[Type]>>
>;

/** What a service may push: the union of its outgoing messages that are no requests. */
export type MessageOut<M extends AnyMessages> = {
  [Type in Notices<Out<M['declarations']>>]: Given<M, Type>;
}[Notices<Out<M['declarations']>>];

/** What a service may ask: the union of its outgoing requests. */
export type RequestOut<M extends AnyMessages> = {
  [Type in Requests<Out<M['declarations']>>]: Given<M, Type>;
}[Requests<Out<M['declarations']>>];

/** What the service gets as the reply to its request. */
export type ReplyTo<M extends AnyMessages, Request> = {
  [Type in Requests<Out<M['declarations']>>]: Request extends {
    readonly [Key in Discriminator<M['declarations']>]: Type;
  }
    ? OutputOf<ReplyOf<Out<M['declarations']>[Type]>>
    : never;
}[Requests<Out<M['declarations']>>];

/** What a service may reply: the union of what its incoming requests are answered with. */
export type ReplyFrom<M extends AnyMessages> = {
  [Type in Requests<In<M['declarations']>>]: InputOf<ReplyOf<In<M['declarations']>[Type]>>;
}[Requests<In<M['declarations']>>];

/** The codes of the refusals that are declared. */
export type RefusalCode<M extends AnyMessages> = keyof (M['declarations']['errors'] & object) & string;

/** What a client sends, as JSON: incoming messages and replies. For programs that import a service's types alone. */
export type ClientMessage<M extends AnyMessages> =
  | {
      [Type in keyof In<M['declarations']> & string]: Typed<
        M['declarations'],
        Type,
        Json<InputOf<SchemaOf<In<M['declarations']>[Type]>>> &
          (Type extends Requests<In<M['declarations']>> ? Partial<Correlated<M, string | number>> : unknown)
      >;
    }[keyof In<M['declarations']> & string]
  | {
      [Type in Requests<Out<M['declarations']>>]: Typed<
        M['declarations'],
        'reply',
        Correlated<M, number> & { readonly result: Json<InputOf<ReplyOf<Out<M['declarations']>[Type]>>> }
      >;
    }[Requests<Out<M['declarations']>>]
  | (Requests<Out<M['declarations']>> extends never
      ? never
      : Typed<
          M['declarations'],
          'error',
          Correlated<M, number> & { readonly code: string; readonly message?: string }
        >);

/** What a client receives, as JSON: outgoing messages, replies and errors. */
export type ServerMessage<M extends AnyMessages> =
  | {
      [Type in keyof Out<M['declarations']> & string]: Typed<
        M['declarations'],
        Type,
        Json<OutputOf<SchemaOf<Out<M['declarations']>[Type]>>> &
          (Type extends Requests<Out<M['declarations']>> ? Correlated<M, number> : unknown)
      >;
    }[keyof Out<M['declarations']> & string]
  | {
      [Type in Requests<In<M['declarations']>>]: Typed<
        M['declarations'],
        'reply',
        Correlated<M, string | number> & { readonly result: Json<OutputOf<ReplyOf<In<M['declarations']>[Type]>>> }
      >;
    }[Requests<In<M['declarations']>>]
  | Typed<M['declarations'], 'error', Partial<Correlated<M, string | number>> & MessageError<M>>;

type Correlated<M extends AnyMessages, Id> = { readonly [Key in Correlation<M['declarations']>]: Id };

/** What went wrong with a message: a fault of its own, or a code that the service declares. */
export type MessageFault =
  | 'not-json'
  | 'too-deep'
  | 'number-too-large'
  | 'not-a-message'
  | 'unknown-type'
  | 'invalid'
  | 'not-accepted'
  | 'internal';

/** Why a message never reached its service. The last two are about replies to requests of the service. */
export type MessageRejection = Exclude<MessageFault, 'internal'> | 'unexpected-reply' | 'invalid-reply';

/** One thing that a schema found wrong; the text is the schema's. */
export interface MessageIssue {
  readonly path: readonly (string | number)[];
  readonly message: string;
}

/** What an error of any service says. */
export interface AnyMessageError {
  readonly code: string;
  readonly message: string;
  readonly of?: string;
  readonly issues?: readonly MessageIssue[];
  readonly state?: unknown;
  readonly accepted?: readonly string[];
}

/** What an error says, beside its type and the request that it belongs to. */
export interface MessageError<M extends AnyMessages> extends AnyMessageError {
  readonly code: MessageFault | RefusalCode<M>;
  /** For people. */
  readonly message: string;
  /** The type of the message that it is about, when that is known. */
  readonly of?: keyof In<M['declarations']> & string;
  /** Of `invalid`: at most 8, of at most 200 characters each. */
  readonly issues?: readonly MessageIssue[];
  /** Of `not-accepted`: the state that the service is in, as XState writes it. */
  readonly state?: unknown;
  /** Of `not-accepted`: the types that have a transition in it. Guards may still refuse one. */
  readonly accepted?: readonly (keyof In<M['declarations']> & string)[];
}

type Untyped<Event> = Event extends { readonly type: string } ? Event : never;

/** What a machine is told beside `WsEvent`: its incoming messages, and how its requests ended. */
export type MessageEvent<M extends AnyMessages> = Untyped<
  | {
      [Type in keyof In<M['declarations']> & string]: {
        readonly type: `message.${Type}`;
        readonly message: Typed<M['declarations'], Type, OutputOf<SchemaOf<In<M['declarations']>[Type]>>>;
        /** There when a reply is wanted: to be kept when the reply is not given at once. */
        readonly request?: RequestReference;
      };
    }[keyof In<M['declarations']> & string]
  | {
      [Type in Requests<Out<M['declarations']>>]:
        | { readonly type: `reply.${Type}`; readonly data: OutputOf<ReplyOf<Out<M['declarations']>[Type]>> }
        | { readonly type: `unanswered.${Type}`; readonly error: TroupeError };
    }[Requests<Out<M['declarations']>>]
>;

/**
 * What a machine and its service agree on: one may be made for it exactly when it is assignable. What the service hands
 * over fits the machine, the machine knows each type and no other, and what it sends the service has declared.
 */
export interface MessageAgreement<M extends AnyMessages> {
  readonly events: MessageEvent<M>;
  readonly types: (type: MessageEvent<M>['type']) => void;
  readonly sends: (message: MessageOut<M>) => void;
  readonly asks: (request: RequestOut<M>) => void;
  readonly replies: (result: ReplyFrom<M>) => void;
  readonly refuses: (code: RefusalCode<M>) => void;
}
