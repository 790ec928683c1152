import type { IncomingMessage } from 'node:http';
import { Inject, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { type OnGatewayConnection, WebSocketGateway } from '@nestjs/websockets';
import type WebSocket from 'ws';
import type { RelayConfig } from '../../config/config.js';
import type { Logger } from '../../log/logger.js';
import { CloseCode } from '../../protocol/close-codes.js';
import { LINK_PATH } from '../../protocol/frames.js';
import type { Principal } from '../auth/principal.js';
import { TokenVerifier } from '../auth/token-verifier.js';
import { DeviceRegistry } from '../devices/device-registry.js';
import { LOGGER, RELAY_CONFIG } from '../tokens.js';
import { AgentLink } from './agent-link.js';

/** Keeps the links of all agents; TunnelAdapter has let each of them in. */
@WebSocketGateway({ path: LINK_PATH })
export class TunnelGateway implements OnGatewayConnection, OnModuleInit, OnModuleDestroy {
  readonly #links = new Set<AgentLink>();
  readonly #log: Logger;
  #unsubscribe: (() => void) | undefined;
  #emptied: (() => void) | undefined;

  constructor(
    @Inject(RELAY_CONFIG) private readonly config: RelayConfig,
    @Inject(LOGGER) logger: Logger,
    @Inject(DeviceRegistry) private readonly registry: DeviceRegistry,
    @Inject(TokenVerifier) private readonly verifier: TokenVerifier,
  ) {
    this.#log = logger.child('tunnel');
  }

  onModuleInit(): void {
    this.#unsubscribe = this.verifier.onRevoked((grantId) => {
      for (const link of this.#links) if (link.principal.grantId === grantId) link.revoke();
    });
  }

  onModuleDestroy(): void {
    this.#unsubscribe?.();
  }

  /** Of messages of agents that are not whole yet. */
  get heldBytes(): number {
    let bytes = 0;
    for (const link of this.#links) bytes += link.heldBytes;
    return bytes;
  }

  /** @param principal whom TunnelAdapter let in */
  handleConnection(socket: WebSocket, req: IncomingMessage, principal: Principal): void {
    const link = new AgentLink(socket, principal, {
      wire: req.socket,
      registry: this.registry,
      limits: this.config.limits,
      logger: this.#log,
      helloSeconds: Math.min(10, this.config.limits.headerSeconds),
      ended: () => {
        this.#links.delete(link);
        if (this.#links.size === 0) this.#emptied?.();
      },
    });
    this.#links.add(link);
  }

  /** Closes the links that are left and resolves when they are gone, which a deaf peer delays by two seconds at most. */
  async closeAll(): Promise<void> {
    if (this.#links.size === 0) return;
    const emptied = new Promise<void>((resolve) => {
      this.#emptied = resolve;
    });
    for (const link of this.#links) link.close(CloseCode.restart, 'the relay restarts');
    await emptied;
  }
}
