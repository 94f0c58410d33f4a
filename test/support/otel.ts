import { context, propagation, type Attributes } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
  type MetricData,
} from '@opentelemetry/sdk-metrics';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-base';
import { onTestFinished } from 'vitest';

/** One point of a metric: its attributes and what was measured, of a histogram how often and the sum. */
export interface Point {
  readonly attributes: Attributes;
  readonly value: number;
  readonly sum?: number;
}

/** The real SDK, with exporters that keep what they are given. */
export function sdk() {
  const metricExporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  // It exports when the test says so.
  const reader = new PeriodicExportingMetricReader({ exporter: metricExporter, exportIntervalMillis: 2 ** 31 - 1 });
  const meterProvider = new MeterProvider({ readers: [reader] });
  const spanExporter = new InMemorySpanExporter();
  const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spanExporter)] });
  onTestFinished(async () => {
    await meterProvider.shutdown();
    await tracerProvider.shutdown();
  });

  async function collect(): Promise<readonly MetricData[]> {
    metricExporter.reset();
    await reader.forceFlush();
    return metricExporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics));
  }

  return {
    meterProvider,
    tracerProvider,
    collect,
    /** All points of one metric as they are now. */
    points: async (name: string): Promise<readonly Point[]> => {
      const metric = (await collect()).find(({ descriptor }) => descriptor.name === name);
      return (metric?.dataPoints ?? []).map(({ attributes, value }) =>
        typeof value === 'number'
          ? { attributes, value }
          : { attributes, value: value.count as number, sum: (value as { sum: number }).sum },
      );
    },
    get spans(): readonly ReadableSpan[] {
      return spanExporter.getFinishedSpans();
    },
  };
}

/** Registers what the SDK registers for a process: who carries contexts, and how they come with a request. */
export function registerContexts(): void {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  onTestFinished(() => {
    context.disable();
    propagation.disable();
  });
}
