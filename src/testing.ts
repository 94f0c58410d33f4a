/** `troupe/testing`: what those who extend Troupe hold their own work to. */
export {
  backplaneConformance,
  type ConformanceOptions,
  type ConformanceTest,
  type EngineOfItsOwn,
  type HangingEngine,
} from './testing/backplane-conformance.ts';
