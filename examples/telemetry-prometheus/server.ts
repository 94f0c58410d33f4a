/**
 * The metrics of a Troupe for Prometheus, by OpenTelemetry's own exporter.
 *
 * They are served on a port of their own, which only this machine reaches:
 * what they tell of a server is nothing for those who use it.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { createTroupe, type Troupe } from 'troupe';
import { instrument } from 'troupe/otel';
import { chat } from '../chat/service.ts';
import { HelloWorld } from '../hello/service.ts';
import { isMain } from '../main.ts';

export interface Running {
  troupe: Troupe;
  url: string;
  metricsUrl: string;
  close: () => Promise<void>;
}

export async function start(ports: { port: number; metricsPort: number }): Promise<Running> {
  const exporter = new PrometheusExporter({ preventServerStart: true });
  const meterProvider = new MeterProvider({ readers: [exporter] });

  const troupe = createTroupe({ services: [HelloWorld, chat] });
  const stop = instrument(troupe, { meterProvider, tracerProvider: false });
  const { webSocketUrl } = await troupe.listen({ port: ports.port, host: '127.0.0.1' });

  const metrics = createServer((request, response) => exporter.getMetricsRequestHandler(request, response));
  await new Promise<void>((resolve) => metrics.listen(ports.metricsPort, '127.0.0.1', resolve));
  return {
    troupe,
    url: webSocketUrl,
    metricsUrl: `http://127.0.0.1:${(metrics.address() as AddressInfo).port}/metrics`,
    async close() {
      await troupe.close();
      // After the last connection, so that its end is among what is collected last.
      stop();
      await new Promise((resolve) => metrics.close(resolve));
      await meterProvider.shutdown();
    },
  };
}

if (isMain(import.meta.url)) {
  const port = Number(process.env['PORT'] ?? 9090);
  const { url, metricsUrl } = await start({ port, metricsPort: Number(process.env['METRICS_PORT'] ?? 9464) });
  console.log(`Listening on ${url}; try ${url}/test/websocket and ${metricsUrl}`);
}
