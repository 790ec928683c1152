import type { NestExpressApplication } from '@nestjs/platform-express';
import { DeviceRegistry } from './devices/device-registry.js';
import type { HttpFront } from './http-front.js';
import { McpEndpoint } from './mcp/mcp-endpoint.js';
import { TunnelGateway } from './tunnel/tunnel.gateway.js';

/** Bytes of memory that the relay holds for its clients and agents, by what they are. */
export interface HeldMemory {
  /** Bodies of requests that are not answered yet; `limits.openRequestBytes`. */
  readonly requests: number;
  /** Of running calls: what their agents are not known to have (a copy of the request, answers of at most 8 MiB), and notifications that are not whole (4 MiB). */
  readonly calls: number;
  /** What sockets, of clients and of agents, have been given and have not sent. */
  readonly unsent: number;
  /** Catalogs of agents of which pieces have come and others have not; 64 MiB for each agent at most. */
  readonly catalogs: number;
  /** Lists as they go out; `limits.listBytes`. */
  readonly lists: number;
  /** Events that clients may ask for again; `limits.replayBytes` for each stream, 65 times that in all. */
  readonly replays: number;
}

/** Adds up what each part counts; nothing is counted for this. */
export function heldMemory(nest: NestExpressApplication, front: HttpFront): HeldMemory {
  const { requests, lists, replays } = nest.get(McpEndpoint, { strict: false }).held;
  const catalogs = nest.get(TunnelGateway, { strict: false }).heldBytes;
  const calls = nest.get(DeviceRegistry, { strict: false }).heldBytes;
  return { requests, calls, unsent: front.unsentBytes, catalogs, lists, replays };
}
