import { createHash } from 'node:crypto';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { AgentSection, deviceName, isFileUri, ServerSection, serverNameProblem } from './agent-section.js';
import { checkSection } from './check.js';
import type { AgentConfig, LocalServerConfig } from './config.js';
import type { Problem } from './config-error.js';
import type { DecodeContext } from './decode-context.js';
import { expandEntries } from './expand.js';
import { expandHome } from './paths.js';
import { isPlain, joinPath, type Plain } from './plain.js';
import { relayOrigin } from './urls.js';

/** An agent's config, with defaults; adds what is wrong to `problems` and is then not to be used. */
export function decodeAgent(raw: Plain, context: DecodeContext, problems: Problem[]): AgentConfig | undefined {
  const section = checkSection(AgentSection, raw, '', problems);
  const servers = decodeServers(raw.servers, context, problems);
  if (section === undefined) return undefined;
  const relay = typeof section.relay === 'string' ? relayOrigin(section.relay, context.insecure) : undefined;
  if (relay?.problem !== undefined && section.relay.trim() !== '')
    problems.push({ path: 'relay', message: relay.problem });
  if (relay?.value === undefined || problems.length > 0) return undefined;
  const name = section.name ?? deviceName(hostname());
  // Text from the environment has no path; the device it makes stays the same one when its servers are edited.
  const identity = context.file ?? `${relay.value}\n${name}`;
  return {
    mode: 'agent',
    relay: relay.value,
    name,
    servers,
    clientFit: section.clientFit,
    insecure: context.insecure,
    profile: createHash('sha256').update(identity).digest('hex').slice(0, 12),
    stateDir: context.stateDir,
  };
}

function decodeServers(raw: unknown, context: DecodeContext, problems: Problem[]): AgentConfig['servers'] {
  if (!isPlain(raw)) {
    const what = raw === undefined ? 'is missing' : 'must be an object';
    const message = `${what}; write { "<name>": { "command": ["npx", "-y", "<package>"] } }`;
    problems.push({ path: 'servers', message });
    return {};
  }
  const servers: [string, LocalServerConfig][] = [];
  for (const [name, entry] of Object.entries(raw)) {
    const path = joinPath('servers', name);
    const wrong = serverNameProblem(name);
    if (wrong !== undefined) problems.push({ path, message: wrong });
    const server = decodeServer(entry, path, context, problems);
    if (server !== undefined) servers.push([name, server]);
  }
  // fromEntries defines keys, so that a server called `constructor` is one like any other.
  return Object.fromEntries(servers);
}

function decodeServer(
  raw: unknown,
  path: string,
  context: DecodeContext,
  problems: Problem[],
): LocalServerConfig | undefined {
  if (Array.isArray(raw) || typeof raw === 'string') {
    problems.push({ path, message: 'must be an object; write { "command": ["npx", "-y", "<package>"] }' });
    return undefined;
  }
  let expanded = raw;
  if (isPlain(raw)) expanded = expandEntries(raw, ['env', 'headers'], path, context.env, problems);
  const before = problems.length;
  const section = checkSection(ServerSection, expanded, path, problems);
  if (section === undefined || !isPlain(raw)) return undefined;
  const wrong = (key: string, message: string) => problems.push({ path: joinPath(path, key), message });
  const { command, url, env, cwd, headers } = section;
  const has = (key: string) => raw[key] !== undefined;
  if (has('command') && has('url')) {
    problems.push({ path, message: 'has both "command" and "url"; write only one of them' });
  } else if (!has('command') && !has('url')) {
    problems.push({ path, message: 'has neither "command" nor "url"; write "command": ["npx", "-y", "<package>"]' });
  } else if (has('command')) {
    if (has('headers')) wrong('headers', 'goes with "url" only; write "env" to give a command a secret');
  } else {
    if (has('env')) wrong('env', 'goes with "command" only; write "headers" to give a URL a secret');
    if (has('cwd')) wrong('cwd', 'goes with "command" only; remove it');
  }
  if (has('isolationIdleSeconds') && section.isolation !== 'client') {
    wrong('isolationIdleSeconds', 'goes with "isolation": "client" only; remove it');
  }
  if (problems.length > before) return undefined;
  const common = commonKeys(section, context);
  if (url !== undefined) return { ...common, url, headers: headers ?? {} };
  if (command === undefined) return undefined;
  return {
    ...common,
    command,
    env: env ?? {},
    ...(cwd !== undefined && { cwd: resolve(context.folder, expandHome(cwd)) }),
  };
}

/** What any server may have, with defaults left to who uses it. */
function commonKeys(section: ServerSection, context: DecodeContext) {
  const { disabled, timeout, era, isolation, isolationIdleSeconds, roots, sampling } = section;
  return {
    disabled,
    ...(timeout !== undefined && { timeout }),
    ...(era !== undefined && { era }),
    ...(isolation !== undefined && { isolation }),
    ...(isolationIdleSeconds !== undefined && { isolationIdleSeconds }),
    ...(roots !== undefined && { roots: roots.map((root) => rootUri(root, context)) }),
    ...(sampling !== undefined && { sampling }),
  };
}

/** A root as MCP has it: a file URI. Paths are relative to the config's folder, as `cwd` is. */
function rootUri(root: string, { folder }: DecodeContext): string {
  return isFileUri(root) ? new URL(root).href : pathToFileURL(resolve(folder, expandHome(root))).href;
}
