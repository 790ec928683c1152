import type { LocalServerConfig } from '../../../config/config.js';
import type { Logger } from '../../../log/logger.js';
import type { CallClient } from '../../../protocol/call-messages.js';
import type { Clock } from '../clock.js';
import { untilAborted } from '../deferred.js';
import type { Hello } from '../handshake.js';
import { Session } from '../legacy/session.js';
import { ModernSession } from '../modern/modern-session.js';
import type { ServerSession, ServerSessionEvents } from '../server-session.js';
import type { Transport, TransportEnd } from '../transport.js';
import { type AskPolicy, StartError } from '../types.js';
import type { EraMemory } from './era-memory.js';
import { ProbedTransport } from './probed-transport.js';

export interface ConnectionOptions {
  readonly config: LocalServerConfig;
  readonly clientInfo: { readonly name: string; readonly version: string };
  readonly logger: Logger;
  readonly clock: Clock;
  readonly policy: AskPolicy;
  readonly memory: EraMemory;
  readonly events: ServerSessionEvents;
  /** A fresh way to the server: each era has its own over HTTP. */
  connect(era: 'legacy' | 'modern', signal: AbortSignal): Promise<Transport>;
  /** The server is gone. Told once the session is open, or as it opens; not after `close`. */
  onEnd(end: TransportEnd): void;
  /** See Session. */
  onUrlElicitation(elicitationId: string, client: CallClient): void;
}

/** The way to one server for one life of it: finds out which era it speaks and opens the session that does. */
export class ServerConnection {
  #transport: Transport | undefined;
  #session: ServerSession | undefined;

  constructor(private readonly options: ConnectionOptions) {}

  /** @throws Error for the machine's owner, or the signal's reason; `close` is due all the same */
  async open(signal: AbortSignal): Promise<{ readonly session: ServerSession; readonly hello: Hello }> {
    const { config, memory } = this.options;
    const wanted = config.era ?? 'auto';
    const known = wanted === 'auto' ? await memory.recall(config) : wanted;
    try {
      if (known === 'legacy') return await this.#openLegacy(await this.#connect('legacy', signal), signal);
      return await this.#openProbed(known === 'modern', signal);
    } catch (error) {
      const stopped = signal.aborted && !(signal.reason instanceof StartError);
      // It may be another server by now: the next start asks.
      if (known !== undefined && wanted === 'auto' && !stopped) await memory.remember(config, undefined);
      throw error;
    }
  }

  /** Lines on stdout that were no MCP message. */
  get strayLines(): number {
    return this.#session?.strayLines ?? 0;
  }

  lastWords(): readonly string[] {
    return this.#transport?.lastWords() ?? [];
  }

  async close(): Promise<void> {
    await (this.#session ?? this.#transport)?.close();
  }

  async #openProbed(patient: boolean, signal: AbortSignal) {
    const { config, clientInfo, clock, memory } = this.options;
    const only = config.era === 'modern';
    const probed = new ProbedTransport(await this.#connect('modern', signal));
    this.#transport = probed;
    const finding = await probed.probe(clientInfo, clock, patient, signal);
    if (finding.era === 'modern') {
      probed.done();
      if (!only) await memory.remember(config, 'modern');
      return this.#openModern(probed, finding.hello, signal);
    }
    if (only && finding.era === 'ended') throw new StartError(finding.end.reason, finding.end.problem);
    if (only) throw new StartError('bad_protocol', 'does not speak MCP 2026-07-28: leave "era" out of its config');
    const fresh = finding.era === 'ended' || 'url' in config;
    if (fresh) await probed.close();
    try {
      const opened = await this.#openLegacy(fresh ? await this.#connect('legacy', signal) : probed, signal);
      // Both answers: it speaks both eras, and was only slow to start.
      await memory.remember(config, probed.lateHello ? 'modern' : 'legacy');
      return opened;
    } catch (error) {
      // It was slow to start, and does not know `initialize`.
      if (!probed.lateHello || fresh) throw error;
      await memory.remember(config, 'modern');
      return this.#openModern(probed, probed.lateHello, signal);
    } finally {
      probed.done();
    }
  }

  async #connect(era: 'legacy' | 'modern', signal: AbortSignal): Promise<Transport> {
    this.#transport = await untilAborted(this.options.connect(era, signal), signal);
    return this.#transport;
  }

  async #openLegacy(transport: Transport, signal: AbortSignal) {
    const { clientInfo, logger, clock, config, policy, events, onEnd, onUrlElicitation } = this.options;
    const session = new Session({
      transport,
      clientInfo,
      logger,
      clock,
      policy,
      ...timeLimit(config),
      ...events,
      onEnd,
      onUrlElicitation,
    });
    this.#session = session;
    return { session, hello: await untilAborted(session.open(signal), signal) };
  }

  async #openModern(transport: Transport, hello: Hello, signal: AbortSignal) {
    const { clientInfo, logger, clock, config, policy, events, onEnd } = this.options;
    const http = 'url' in config;
    const limit = timeLimit(config);
    const session = new ModernSession({
      transport,
      hello,
      clientInfo,
      logger,
      clock,
      ...limit,
      policy,
      http,
      events,
      onEnd,
    });
    this.#session = session;
    await untilAborted(session.open(signal), signal);
    return { session, hello };
  }
}

function timeLimit({ timeout }: LocalServerConfig): { readonly timeoutMs?: number } {
  return timeout === undefined ? {} : { timeoutMs: timeout * 1000 };
}
