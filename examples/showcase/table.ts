/** What `npm start` prints: the pages, each endpoint, and a command line with which to try it. */

interface Endpoint {
  at: string;
  what: string;
  command: string;
}

export function endpointTable(url: string, inspectorUrl: string | undefined): string {
  const webSocketUrl = url.replace(/^http/, 'ws');
  const endpoints: Endpoint[] = [
    {
      at: '/test/websocket',
      what: 'echo; joined and left',
      command: `npx wscat -c ${webSocketUrl}/test/websocket`,
    },
    {
      at: '/chat/{room}',
      what: 'chat; say your name first',
      command: `npx wscat -c ${webSocketUrl}/chat/lobby`,
    },
    {
      at: '/orders/updates',
      what: 'orders; send a name to watch',
      command: `npx wscat -c ${webSocketUrl}/orders/updates`,
    },
    {
      at: 'POST /notify/{name}',
      what: 'push to a watched name',
      command: `curl --data 'Ready' ${url}/notify/alice`,
    },
    { at: 'DELETE /notify/{name}', what: 'forget the name', command: `curl -X DELETE ${url}/notify/alice` },
    {
      at: 'POST /groups/{group}',
      what: 'push to a group',
      command: `curl --data 'Soup' ${url}/groups/kitchen`,
    },
    {
      at: 'DELETE /groups/{group}',
      what: 'remove the group',
      command: `curl -X DELETE ${url}/groups/kitchen`,
    },
    { at: 'GET /names, /groups', what: 'what is stored', command: `curl ${url}/names` },
    {
      at: '/showcase/states',
      what: 'states of all connections',
      command: `npx wscat -c ${webSocketUrl}/showcase/states`,
    },
  ];
  const at = Math.max(...endpoints.map((endpoint) => endpoint.at.length));
  const what = Math.max(...endpoints.map((endpoint) => endpoint.what.length));
  const rows = endpoints.map(
    (endpoint) => `  ${endpoint.at.padEnd(at)}  ${endpoint.what.padEnd(what)}  ${endpoint.command}`,
  );
  // Addresses stand alone on their lines' ends: terminals then open the whole of them on a click.
  const pages = [
    `  Try the examples         ${url}/`,
    inspectorUrl === undefined
      ? '  There is no inspector, because other machines can reach this address.'
      : `  Watch their connections  ${inspectorUrl}`,
  ];
  return ['Troupe examples', '', ...pages, '', ...rows, '', 'Ctrl+C stops the server.'].join('\n');
}
