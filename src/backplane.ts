/** `troupe/backplane`: what a backplane is, for those who write one, and one in memory, for tests. */
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
export {
  memoryEngine,
  type MemoryEngine,
  type MemoryEngineClock,
  type MemoryEngineOptions,
  type MemoryTraffic,
} from './backplane/memory.ts';
