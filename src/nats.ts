/** The public face of `troupe/nats`: the nodes of one program over NATS. */
export { nats } from './backplane/nats.ts';
export type { NatsOptions, NatsTls } from './backplane/nats/options.ts';
