/** `troupe/backplane`: what a backplane is, for those who write one. */
export type {
  Backplane,
  BackplaneLink,
  BackplaneSink,
  Binding,
  Claimed,
  DirectOutcome,
  Generation,
  PublishOutcome,
  PushOutcome,
  Topic,
} from './backplane/contract.ts';
