import type { AgentConfig } from '../config/config.js';
import type { Logger } from '../log/logger.js';
import type { TokenSource } from './credentials/types.js';
import type { ServerState } from './servers/types.js';

/** `refused`: the relay will not have this agent (login gone, device revoked); redialling does not help. */
export type LinkState = 'connecting' | 'online' | 'offline' | 'refused';

/** Bytes of memory that the agent holds for calls, by what they are. All of it is let go of when the calls are over, but for `keptTexts` and `parked`, which have their time. */
export interface HeldMemory {
  /** Params of calls that run. */
  readonly requests: number;
  /** Pieces of large requests whose rest is still to come. */
  readonly uploads: number;
  /** What local servers have not read of their input (stdio). */
  readonly unreadInput: number;
  /** Requests to local servers over HTTP of which the head of the answer has not come. */
  readonly sending: number;
  /** Messages of local servers of which the rest is still to come. */
  readonly reading: number;
  /** Events and answers that the relay is not known to have. */
  readonly results: number;
  /** Long results that were cut, for clients to read on; characters. */
  readonly keptTexts: number;
  /** Questions and results of calls that wait for their clients to come back with answers. */
  readonly parked: number;
}

/** The agent at one moment. Plain data: it crosses the control socket as JSON. */
export interface AgentSnapshot {
  readonly link: LinkState;
  /** Milliseconds since the epoch of the last change of `link`. */
  readonly since: number;
  /** The relay's origin. */
  readonly relay: string;
  /** The name the relay gave this device; absent before the first welcome. */
  readonly deviceName?: string;
  /** What is wrong with the link, ending with the next step. */
  readonly problem?: string;
  readonly servers: readonly ServerState[];
  readonly callsRunning: number;
  /** Absent from agents of older versions. */
  readonly held?: HeldMemory;
  readonly version: string;
  readonly pid: number;
}

export interface Agent {
  /** Starts the servers and keeps the link up until `signal` aborts; then ends both and resolves. */
  run(signal: AbortSignal): Promise<void>;
  snapshot(): AgentSnapshot;
  /** Restarts one server, or all, and resolves once each is ready or has failed. @throws ServerError unknown_server */
  restart(server: string | undefined, signal: AbortSignal): Promise<readonly ServerState[]>;
  /** Tells of every change of the snapshot. @returns unsubscribe */
  onChange(listener: (snapshot: AgentSnapshot) => void): () => void;
}

export interface AgentOptions {
  readonly logger: Logger;
  /** True where a person sits at this process: a missing login may then open their browser. */
  readonly browser: boolean;
  readonly credentials: TokenSource;
  /** A relay that will not have this agent ends `run` with LinkRefused, or (a daemon) is tried again after a new login. */
  readonly whenRefused?: 'stop' | 'wait';
  /** This program's version, for hello and the snapshot. */
  readonly version: string;
}

export type CreateAgent = (config: AgentConfig, options: AgentOptions) => Agent;
