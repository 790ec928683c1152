import type { Agent } from 'node:http';
import type { AgentConfig, Config, RelayConfig } from '../config/config.js';
import type { AgentSnapshot } from './agent-types.js';
import { type LoginState, loginState } from './credentials/login-state.js';
import { CredentialStore } from './credentials/store.js';
import { proxyAgentFor } from './network.js';
import { type ControlClient, connectControl } from './session/control-client.js';
import { ControlError, type HolderKind } from './session/control-protocol.js';

const PROBE_MS = 5_000;

/** One thing that is wrong, and what to do about it. */
export interface Problem {
  readonly what: string;
  readonly next: string;
}

export interface AgentStatusReport {
  readonly mode: 'agent';
  /** True when this device can be used from afar right now. */
  readonly ok: boolean;
  readonly relay: string;
  readonly agent: {
    readonly running: boolean;
    readonly pid?: number;
    readonly kind?: HolderKind;
    readonly version?: string;
    /** Absent while the agent starts. */
    readonly snapshot?: AgentSnapshot;
  };
  readonly login: LoginState;
  readonly relayView: RelayView;
  readonly problems: readonly Problem[];
}

export interface RelayView {
  readonly reachable: boolean;
  /** Whether it accepts this device's token; absent where there is no valid token to ask about. */
  readonly tokenAccepted?: boolean;
}

export interface RelayStatusReport {
  readonly mode: 'relay';
  /** True when the relay on this machine takes calls. */
  readonly ok: boolean;
  /** What was asked. */
  readonly url: string;
  readonly running: boolean;
  readonly ready: boolean;
  readonly problems: readonly Problem[];
}

export type StatusReport = AgentStatusReport | RelayStatusReport;

/** How what the config describes is doing, as seen from this machine. Changes nothing. @throws the signal's reason */
export async function status(config: Config, { signal }: { readonly signal: AbortSignal }): Promise<StatusReport> {
  const report = config.mode === 'agent' ? await agentStatus(config, signal) : await relayStatus(config, signal);
  signal.throwIfAborted();
  return report;
}

async function agentStatus(config: AgentConfig, signal: AbortSignal): Promise<AgentStatusReport> {
  const login = await loginState(config);
  const [agent, relayView] = await Promise.all([localAgent(config), askRelay(config, login, signal)]);
  const ofLogin = loginProblems(config, login, relayView);
  const problems = [...ofLogin, ...relayProblems(config, relayView), ...agentProblems(agent, ofLogin.length > 0)];
  const online = agent.snapshot?.link === 'online';
  return { mode: 'agent', ok: online, relay: config.relay, agent, login, relayView, problems };
}

async function localAgent(config: AgentConfig): Promise<AgentStatusReport['agent']> {
  let client: ControlClient | undefined;
  try {
    client = await connectControl(config);
    if (client === undefined) return { running: false };
    const { pid, kind, version } = await client.hello('visitor');
    const agent = { running: true, pid, kind, version };
    try {
      return { ...agent, snapshot: await client.status() };
    } catch (error) {
      if (error instanceof ControlError && error.code === 'starting') return agent;
      throw error;
    }
  } catch (error) {
    if (!(error instanceof ControlError)) throw error;
    return { running: error.code !== 'gone' };
  } finally {
    client?.close();
  }
}

async function askRelay(config: AgentConfig, login: LoginState, signal: AbortSignal): Promise<RelayView> {
  const agent = await proxyAgentFor(config.relay);
  if ((await probe(`${config.relay}/healthz`, { agent, signal })) !== 200) return { reachable: false };
  const token = login.status === 'logged_in' ? await validToken(config) : undefined;
  if (token === undefined) return { reachable: true };
  // Without an upgrade the answer only says what the relay makes of the token: 426 with a good one, 401 with another.
  const headers = { authorization: `Bearer ${token}` };
  const answer = await probe(`${config.relay}/ws`, { headers, agent, signal });
  if (answer === 426) return { reachable: true, tokenAccepted: true };
  return { reachable: true, ...(answer === 401 || answer === 403 ? { tokenAccepted: false } : {}) };
}

/** The token as kept, unless it has expired: renewing it is the agent's business. */
async function validToken(config: AgentConfig): Promise<string | undefined> {
  const credentials = await new CredentialStore(config).load();
  return credentials !== undefined && credentials.expiresAt > Date.now() ? credentials.accessToken : undefined;
}

async function relayStatus({ host, port }: RelayConfig, signal: AbortSignal): Promise<RelayStatusReport> {
  const url = `http://${reachableHost(host)}:${port}/readyz`;
  const answer = await probe(url, { signal });
  const running = answer !== undefined;
  const ready = answer === 200;
  const problems: Problem[] = [];
  if (!running) {
    problems.push({ what: `Nothing answers on port ${port} of this machine.`, next: 'Run: mcp-local-tunnel relay' });
  } else if (answer === 503) {
    problems.push({ what: 'The relay is starting or ending.', next: 'Ask again in a moment.' });
  } else if (!ready) {
    const what = `Port ${port} answers with status ${answer}: that is another program.`;
    problems.push({ what, next: 'Give the relay another "port", or end that program.' });
  }
  return { mode: 'relay', ok: ready, url, running, ready, problems };
}

/** Where to reach a listener from its own machine: the unspecified address is no destination everywhere. */
function reachableHost(host: string): string {
  if (host === '0.0.0.0' || host === '') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return host.includes(':') ? `[${host}]` : host;
}

interface Probe {
  readonly headers?: Record<string, string>;
  /** The proxy's, as for the link. */
  readonly agent?: Agent | undefined;
  readonly signal: AbortSignal;
}

/**
 * By node:http: loading `fetch` alone costs 40 ms of CPU, a fifth of what `status` does.
 * @returns the HTTP status, or undefined when nothing answered in time
 */
async function probe(url: string, { headers = {}, agent, signal }: Probe): Promise<number | undefined> {
  const { request } = url.startsWith('https:') ? await import('node:https') : await import('node:http');
  const until = AbortSignal.any([signal, AbortSignal.timeout(PROBE_MS)]);
  return new Promise((resolve) => {
    const sent = request(url, { headers, agent: agent ?? false, signal: until });
    sent.on('response', (response) => {
      resolve(response.statusCode);
      response.destroy();
    });
    sent.on('error', () => resolve(undefined));
    sent.end();
  });
}

function loginProblems({ relay }: AgentConfig, login: LoginState, { tokenAccepted }: RelayView): Problem[] {
  const next = 'Run: mcp-local-tunnel login';
  if (login.status === 'unreadable')
    return [{ what: 'The login on this machine is not used.', next: login.problem ?? next }];
  if (login.status === 'not_logged_in') return [{ what: `Not logged in at ${relay}.`, next }];
  if (login.status === 'login_expired') return [{ what: `The login at ${relay} is no longer accepted.`, next }];
  if (tokenAccepted === false) return [{ what: `${relay} refuses this device's token.`, next }];
  return [];
}

function relayProblems({ relay }: AgentConfig, { reachable }: RelayView): Problem[] {
  if (reachable) return [];
  return [
    { what: `The relay ${relay} cannot be reached.`, next: 'Check the address, the network and that the relay runs.' },
  ];
}

/** `loginTold`: why a link is refused has been said already. */
function agentProblems({ running, pid, snapshot }: AgentStatusReport['agent'], loginTold: boolean): Problem[] {
  if (!running) {
    const next = 'Run: mcp-local-tunnel agent, or start an MCP client that has it as a server.';
    return [{ what: 'No agent runs on this machine.', next }];
  }
  if (pid === undefined) {
    return [
      { what: 'The agent does not answer.', next: 'End the process "mcp-local-tunnel agent" and start it again.' },
    ];
  }
  if (snapshot === undefined) return [{ what: 'The agent is starting.', next: 'Ask again in a moment.' }];
  const problems: Problem[] = [];
  if (snapshot.link !== 'online' && !(snapshot.link === 'refused' && loginTold)) {
    const what = `The agent is not connected to the relay (${snapshot.link}).`;
    problems.push({ what, next: snapshot.problem ?? 'It tries again by itself.' });
  }
  for (const { name, status: state, problem } of snapshot.servers) {
    if (state !== 'failed' && state !== 'waiting') continue;
    problems.push({ what: `Server ${name}: ${problem ?? state}`, next: `Check "servers.${name}" in the config.` });
  }
  return problems;
}
