import { Is, isText, Optional, Reads } from './rules.js';
import { serverUrl } from './urls.js';
import { Allow, IsBoolean } from './validator.js';

/** Names of devices and servers; the same rule as the protocol's, which this folder may not import. */
const SLUG = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;
const SLUG_MAX = 20;
/** Tools of the relay's own stand under these two. */
const RESERVED = ['status', 'restart'];

const ERAS = ['auto', 'legacy', 'modern'] as const;
const ISOLATIONS = ['shared', 'client'] as const;

const SLUG_RULE = `at most ${SLUG_MAX} lower-case letters and digits with single dashes between, starting with a letter`;

function isSlug(value: unknown): value is string {
  return typeof value === 'string' && value.length <= SLUG_MAX && SLUG.test(value);
}

/** What is wrong with a server's name, if anything. */
export function serverNameProblem(name: string): string | undefined {
  if (!isSlug(name)) return `a server's name is ${SLUG_RULE}; write "${slugOf(name) || 'shell'}"`;
  if (RESERVED.includes(name)) return `"${name}" is a tool of the relay; write another name, as "${name}-server"`;
  return undefined;
}

/** A device name made of a host name, e.g. `Annas-MacBook.local` → `annas-macbook`. */
export function deviceName(hostname: string): string {
  return slugOf(hostname.split('.')[0] ?? '') || 'device';
}

function slugOf(text: string): string {
  return text
    .normalize('NFKD')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+/, '')
    .slice(0, SLUG_MAX)
    .replace(/-+$/, '');
}

/** One entry of `servers`. Which keys go together is checked where it is decoded. */
export class ServerSection {
  @Optional()
  @Is(isCommand, 'an array: the program, then its arguments', '["npx", "-y", "<package>"]')
  command?: [string, ...string[]];

  @Optional()
  @Reads(serverUrl, 'the server\'s URL, as "http://127.0.0.1:8080/mcp"')
  url?: string;

  @Optional()
  @Is(isEnvironment, 'variables and their text', '{ "NAME": "text" }, with numbers in quotes too')
  env?: Record<string, string>;

  @Optional()
  @Is(isText, 'the path of a folder', '"~/project"')
  cwd?: string;

  @Optional()
  @Is(isHeaders, 'HTTP headers and their text', `{ "Authorization": "Bearer \${TOKEN}" }`)
  headers?: Record<string, string>;

  @Optional()
  @IsBoolean({ message: 'must be true or false; write true to leave this server off' })
  disabled = false;

  @Optional()
  @Is(isSeconds, 'seconds, more than 0 and at most a day', '60')
  timeout?: number;

  @Optional()
  @Is(isEra, '"auto", "legacy" or "modern"', '"auto", which finds out, or leave it out')
  era?: (typeof ERAS)[number];

  @Optional()
  @Is(isIsolation, '"shared" or "client"', '"client" to start it once for each client session, or leave it out')
  isolation?: (typeof ISOLATIONS)[number];

  @Optional()
  @Is(isSeconds, 'seconds, more than 0 and at most a day', '600')
  isolationIdleSeconds?: number;

  @Optional()
  @Is(isRoots, 'an array of folders: paths or file:// URIs', '["~/project"]')
  roots?: string[];

  @Optional()
  @IsBoolean({ message: 'must be true or false; write true to let this server ask the model of whoever calls it' })
  sampling?: boolean;

  static readonly hints = {
    args: 'write program and arguments as one array: "command": ["npx", "-y", "<package>"]',
    type: 'leave it out; "command" and "url" say which it is',
    transport: 'leave it out; "command" and "url" say which it is',
    enabled: 'write "disabled": true to leave a server off',
    environment: 'did you mean "env"?',
    protocolVersion: 'did you mean "era"?',
    root: 'did you mean "roots"?',
  };
}

/** An agent's config. */
export class AgentSection {
  @Allow()
  mode: 'agent';

  /** Read where it is decoded, since a flag decides about plain http. */
  @Is(isText, 'text', 'the relay\'s domain, as "relay.example.com"')
  relay: string;

  @Optional()
  @Is(isSlug, SLUG_RULE, '"laptop", or leave it out to use the host name')
  name?: string;

  @Allow()
  servers?: unknown;

  @Optional()
  @IsBoolean({ message: 'must be true or false; write false to tell every client program all lists as they are' })
  clientFit = true;

  static readonly hints = {
    mcpServers: 'did you mean "servers"?',
    url: 'did you mean "relay"?',
    device: 'did you mean "name"?',
    token: 'leave it out; run `mcp-local-tunnel login`',
    auth: 'it belongs to mode "relay"; an agent logs in with `mcp-local-tunnel login`',
    insecure: 'run with --insecure instead',
  };
}

function isCommand(value: unknown): boolean {
  // Arguments may be empty or blank, the program may not.
  return (
    Array.isArray(value) && isText(value[0]) && value.every((part) => typeof part === 'string' && !part.includes('\0'))
  );
}

function isEnvironment(value: unknown): boolean {
  return isTextMap(value, /^[^=\0]+$/, /^[^\0]*$/);
}

/** Field names and values of RFC 9110 §5: a line end in one would begin a header of its own. */
function isHeaders(value: unknown): boolean {
  return isTextMap(value, /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/, /^[\t\x20-\x7E\x80-\xFF]*$/);
}

function isTextMap(value: unknown, name: RegExp, text: RegExp): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.entries(value).every(([key, entry]) => name.test(key) && typeof entry === 'string' && text.test(entry));
}

function isEra(value: unknown): boolean {
  return ERAS.some((era) => era === value);
}

function isIsolation(value: unknown): boolean {
  return ISOLATIONS.some((isolation) => isolation === value);
}

/** A path, or a URI of the one scheme that roots may have (MCP 2025-11-25 client/roots). */
function isRoots(value: unknown): boolean {
  return (
    Array.isArray(value) &&
    value.every(
      (root) => isText(root) && (isFileUri(root) ? URL.canParse(root) : !/^[a-z][a-z0-9+.-]+:\/\//i.test(root)),
    )
  );
}

export function isFileUri(root: string): boolean {
  return /^file:\/\//i.test(root);
}

/** Node's timers overflow above 24.8 days; a day is past every use. */
function isSeconds(value: unknown): boolean {
  return typeof value === 'number' && value > 0 && value <= 86_400;
}
