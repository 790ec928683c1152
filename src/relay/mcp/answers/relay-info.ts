import type { Shape } from '../json-rpc.js';
import { since } from '../protocol-versions.js';

/** The relay's own `serverInfo`, as a client of this protocol version may be told it. */
export function relayInfo(relayVersion: string, protocolVersion: string): Shape {
  return {
    name: 'mcp-local-tunnel',
    ...(since(protocolVersion, '2025-06-18') ? { title: 'MCP Local Tunnel' } : {}),
    version: relayVersion,
  };
}

/** Every result says who made it and that it is whole, at the stateless revision alone (26 basic, "resultType", "_meta"). */
export function ownMembers(era: 'legacy' | 'modern', relayVersion: string, protocolVersion: string): string {
  if (era === 'legacy') return '';
  const meta = { 'io.modelcontextprotocol/serverInfo': relayInfo(relayVersion, protocolVersion) };
  return `"resultType":"complete","_meta":${JSON.stringify(meta)}`;
}
