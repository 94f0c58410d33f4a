import { describe, expect, it } from 'vitest';
import { ServiceRoutes, type Routed } from '../../src/http/service-routes.ts';
import type { HttpListener } from '../../src/service/definition.ts';
import { parseRoute } from '../../src/service/path.ts';

interface Service extends Routed {
  readonly label: string;
}

function service(basePath: string, upgradePath: string, http?: HttpListener): Service {
  return {
    label: `${basePath} + ${upgradePath}`,
    route: parseRoute('a service', basePath, upgradePath),
    basePath: parseRoute('a service', basePath),
    http,
  };
}

const listener = (): HttpListener => () => undefined;

describe('upgrades', () => {
  it('go to the service at base path and upgrade path together', () => {
    const routes = new ServiceRoutes<Service>();
    const chat = service('/chat', '/{room}');
    const lobby = service('/chat', '/lobby');
    routes.add(chat);
    routes.add(lobby);
    expect(routes.find('/chat/lobby')?.value).toBe(lobby);
    expect(routes.find('/chat/other')).toEqual({ value: chat, params: { room: 'other' } });
    expect(routes.find('/chat')).toBeUndefined();
    expect(routes.get(chat.route)).toBe(chat);
  });

  it('go nowhere once the service is removed, and to the others as before', () => {
    const routes = new ServiceRoutes<Service>();
    const chat = service('/chat', '/{room}');
    const lobby = service('/chat', '/lobby');
    routes.add(chat);
    routes.add(lobby);
    routes.remove(lobby);
    expect(routes.find('/chat/lobby')).toEqual({ value: chat, params: { room: 'lobby' } });
    routes.remove(chat);
    expect(routes.find('/chat/lobby')).toBeUndefined();
  });
});

describe('plain requests', () => {
  it('go to the listener of the service at or above their path, of the most specific base path', () => {
    const [orders, archive] = [listener(), listener()];
    const routes = new ServiceRoutes<Service>();
    routes.add(service('/orders', '/updates', orders));
    routes.add(service('/orders/archive', '/updates', archive));
    for (const path of ['/orders', '/orders/1', '/orders/updates']) expect(routes.findHttp(path)).toBe(orders);
    for (const path of ['/orders/archive', '/orders/archive/2']) expect(routes.findHttp(path)).toBe(archive);
    for (const path of ['/', '/order', '/orders2']) expect(routes.findHttp(path)).toBeUndefined();
  });

  it('pass a service without a listener by, whose base path is more specific', () => {
    const orders = listener();
    const routes = new ServiceRoutes<Service>();
    routes.add(service('/orders', '/updates', orders));
    routes.add(service('/orders/silent', '/updates'));
    expect(routes.findHttp('/orders/silent/1')).toBe(orders);
  });

  it('go to the service that came first when base paths are the same, to the next one when it is gone', () => {
    const [first, second] = [listener(), listener()];
    const routes = new ServiceRoutes<Service>();
    const one = service('/a', '/1', first);
    const two = service('/a', '/2', second);
    routes.add(one);
    routes.add(two);
    expect(routes.findHttp('/a')).toBe(first);
    routes.remove(one);
    expect(routes.findHttp('/a')).toBe(second);
    routes.remove(two);
    expect(routes.findHttp('/a')).toBeUndefined();
  });

  it('go by the parameters of a base path', () => {
    const tenant = listener();
    const routes = new ServiceRoutes<Service>();
    routes.add(service('/{tenant}/api', '/ws', tenant));
    expect(routes.findHttp('/a%2Fb/api/x')).toBe(tenant);
    expect(routes.findHttp('/a/b/api/x')).toBeUndefined();
  });
});
