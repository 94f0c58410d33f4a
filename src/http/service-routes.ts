/** The routes of a server: where upgrades go, and where plain HTTP requests on a service's base path go. */
import type { HttpListener } from '../service/definition.ts';
import type { Route } from '../service/path.ts';
import { Router, type Match } from './router.ts';

/** What can be routed to. */
export interface Routed {
  readonly route: Route;
  readonly basePath: Route;
  readonly http: HttpListener | undefined;
}

export class ServiceRoutes<Service extends Routed> {
  readonly #upgrades = new Router<Service>();
  #http = new Router<HttpListener>('below');
  readonly #services = new Set<Service>();

  get(route: Route): Service | undefined {
    return this.#upgrades.get(route);
  }

  add(service: Service): void {
    this.#services.add(service);
    this.#upgrades.add(service.route, service);
    this.#rebuildHttp();
  }

  remove(service: Service): void {
    this.#services.delete(service);
    this.#upgrades.remove(service.route);
    this.#rebuildHttp();
  }

  /** The service whose upgrade path `path` is. */
  find(path: string): Match<Service> | undefined {
    return this.#upgrades.find(path);
  }

  /** The listener of the service with the most specific base path at or above `path`. */
  findHttp(path: string): HttpListener | undefined {
    return this.#http.find(path)?.value;
  }

  /** Services may share a base path; the one that was attached first answers. Attaching is rare, so all are added anew. */
  #rebuildHttp(): void {
    this.#http = new Router<HttpListener>('below');
    for (const { basePath, http } of this.#services) {
      if (http !== undefined && this.#http.get(basePath) === undefined) this.#http.add(basePath, http);
    }
  }
}
