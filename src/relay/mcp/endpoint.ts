/** Which of the relay's MCP endpoints a request came to; it travels with the request and is part of a session. */
export type Endpoint =
  /** Everything of the user's. */
  | { readonly kind: 'aggregate' }
  /** The same of one device. */
  | { readonly kind: 'device'; readonly device: string }
  | ServerEndpoint;

/** One local server as if the client spoke to it directly. */
export interface ServerEndpoint {
  readonly kind: 'server';
  readonly device: string;
  readonly server: string;
}

/** /mcp */
export const AGGREGATE: Endpoint = { kind: 'aggregate' };

/** The part of the path behind /mcp that names an endpoint: '', `laptop`, `laptop/shell`. */
export function endpointPath(endpoint: Endpoint): string {
  switch (endpoint.kind) {
    case 'aggregate':
      return '';
    case 'device':
      return endpoint.device;
    case 'server':
      return `${endpoint.device}/${endpoint.server}`;
  }
}

/** The endpoint at the path of a request that BearerGuard let through: nothing in it is encoded. Names are not checked. */
export function endpointAt(path: string): Endpoint {
  const [device = '', server = ''] = path.split('/').slice(2);
  if (device === '') return AGGREGATE;
  return server === '' ? { kind: 'device', device } : { kind: 'server', device, server };
}
