/** The public face of `troupe/otel`: metrics and traces through the API of OpenTelemetry. */
export { instrument, type InstrumentOptions } from './telemetry/otel/instrument.ts';
