import type { CallClient } from '../../../protocol/call-messages.js';
import { isServerReason } from '../../../protocol/server-state.js';
import type { Devices, DeviceView } from '../../devices/types.js';
import type { CallReply } from '../answers/call-reply.js';
import { isShape, type Shape } from '../json-rpc.js';
import { AgentAnswer } from './agent-answer.js';
import { serverProblem } from './server-problem.js';
import type { ToolOutput } from './tool-output.js';

/** What one device said. */
interface Outcome {
  readonly name: string;
  readonly problem?: string;
  readonly servers: readonly Shape[];
}

/** Restarts servers by asking each agent, which restarts only what its own config lists. */
export class RestartTool {
  constructor(private readonly devices: Devices) {}

  /** Never rejects. A cancelled `reply` cancels what is under way. @param present the devices it may be asked of */
  async run(
    userId: string,
    present: readonly DeviceView[],
    client: CallClient,
    args: unknown,
    reply: CallReply,
  ): Promise<ToolOutput> {
    const chosen = choose(present, args);
    if (typeof chosen === 'string') return { text: chosen, structured: { devices: [] }, isError: true };
    const { devices, server } = chosen;
    const cancels: ((reason: string) => void)[] = [];
    reply.onCancel((reason) => {
      for (const cancel of cancels) cancel(reason);
    });
    const answers = devices.map(async (device): Promise<Outcome> => {
      const target = { userId, deviceId: device.id, server: '' };
      const params = Buffer.from(JSON.stringify(server === undefined ? {} : { server }));
      const answer = new AgentAnswer();
      const handle = this.devices.call(target, { method: 'agent/restart', params, client }, answer);
      answer.started(handle);
      cancels.push((reason) => handle.cancel(reason));
      return outcome(device.name, await answer.value);
    });
    return output(await Promise.all(answers));
  }
}

/** The devices and the server that are meant, or what is wrong with the arguments. */
function choose(
  present: readonly DeviceView[],
  args: unknown,
): { readonly devices: readonly DeviceView[]; readonly server?: string } | string {
  const given = args === undefined ? {} : args;
  if (!isShape(given)) return 'The arguments are an object: {"device": "<name>", "server": "<name>"}, both optional.';
  const { device, server, ...unknown } = given;
  const [stray] = Object.keys(unknown);
  if (stray !== undefined) return `Unknown argument ${JSON.stringify(stray)}. Known: device, server.`;
  if (device !== undefined && typeof device !== 'string')
    return '"device" is the name of a device, as status shows it.';
  if (server !== undefined && typeof server !== 'string')
    return '"server" is the name of a server, as status shows it.';
  if (present.length === 0) return 'No device is connected. Start one: npx -y mcp-local-tunnel agent';
  const named = device === undefined ? present : present.filter((one) => one.name === device);
  if (named.length === 0)
    return `Unknown device ${JSON.stringify(device)}. Known: ${list(present.map((one) => one.name))}.`;
  if (server === undefined) return { devices: named };
  const having = named.filter((one) => one.servers.some((own) => own.name === server));
  if (having.length > 0) return { devices: having, server };
  const known = new Set(named.flatMap((one) => one.servers.map((own) => own.name)));
  return `Unknown server ${JSON.stringify(server)}. Known: ${list([...known])}.`;
}

function list(names: readonly string[]): string {
  return names.length === 0 ? 'none' : names.toSorted().join(', ');
}

function outcome(name: string, answer: { readonly json?: unknown; readonly problem?: string }): Outcome {
  if (answer.problem !== undefined) return { name, problem: answer.problem, servers: [] };
  if (!isShape(answer.json) || !Array.isArray(answer.json.servers)) {
    return { name, problem: `The agent on ${name} gave an answer that cannot be read; update it.`, servers: [] };
  }
  return { name, servers: answer.json.servers.flatMap(serverData) };
}

function serverData(value: unknown): Shape[] {
  if (!isShape(value) || typeof value.name !== 'string' || typeof value.status !== 'string') return [];
  const { name, status, tools, reason } = value;
  return [
    {
      name,
      status,
      tools: typeof tools === 'number' ? tools : 0,
      ...(isServerReason(reason) ? { problem: serverProblem(reason) } : {}),
    },
  ];
}

function output(outcomes: readonly Outcome[]): ToolOutput {
  const lines = outcomes.flatMap(({ name, problem, servers }) => [
    `${name}: ${problem ?? (servers.length === 0 ? 'no servers to restart' : 'restarted')}`,
    ...servers.map(serverLine),
  ]);
  return {
    text: lines.join('\n'),
    structured: { devices: outcomes },
    isError: outcomes.some(({ problem }) => problem !== undefined),
  };
}

function serverLine(server: Shape): string {
  const problem = typeof server.problem === 'string' ? `: ${server.problem}` : '';
  return `  ${String(server.name)}: ${String(server.status)}, ${String(server.tools)} tools${problem}`;
}
