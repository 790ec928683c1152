/**
 * Which of the relay's MCP endpoints a request came to; it travels with the request and is part of a session.
 * Only the aggregate is routed so far; a device's and a server's own endpoint differ in what they list and forward.
 */
export type Endpoint =
  | { readonly kind: 'aggregate' }
  | { readonly kind: 'device'; readonly device: string }
  | { readonly kind: 'server'; readonly device: string; readonly server: string };

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
