/** The only place besides the loader that reads the process's environment. */

/** A snapshot of the environment; tests pass their own. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The process's environment as it stands. */
export function environment(): Environment {
  return process.env;
}

export interface AgentEnvironment {
  /** PATH (on Windows also `Path`), empty when unset. */
  readonly path: string;
  /** The user's login shell, from which the agent asks the PATH a terminal would have; absent on Windows. */
  readonly shell?: string;
  /**
   * What a local server is given besides its own `env`: no secrets, and PATH as it stands here. A proxy with a user name
   * or password in its URL is left out: a server that needs it names the variable in its `env`.
   */
  readonly child: Readonly<Record<string, string>>;
  /** Proxy variables as read; either spelling, the lower-case one first as curl does. */
  readonly proxy: { readonly https?: string; readonly http?: string; readonly no?: string };
}

/**
 * What a program needs to run at all (the MCP SDKs' own lists), to speak the user's language, and to reach the network
 * through a company's proxy (npx downloads servers). Everything else is named in the config's `env`.
 */
const POSIX = [
  'HOME',
  'LOGNAME',
  'PATH',
  'SHELL',
  'TERM',
  'USER',
  'TMPDIR',
  'TZ',
  'LANG',
  'LANGUAGE',
  'XDG_RUNTIME_DIR',
];
const POSIX_DIRS = ['XDG_CONFIG_HOME', 'XDG_DATA_HOME', 'XDG_CACHE_HOME', 'XDG_STATE_HOME'];
const WINDOWS = [
  'ALLUSERSPROFILE',
  'APPDATA',
  'COMSPEC',
  'HOMEDRIVE',
  'HOMEPATH',
  'LOCALAPPDATA',
  'PATH',
  'PATHEXT',
  'PROCESSOR_ARCHITECTURE',
  'PROGRAMDATA',
  'PROGRAMFILES',
  'PROGRAMFILES(X86)',
  'SYSTEMDRIVE',
  'SYSTEMROOT',
  'TEMP',
  'TMP',
  'USERNAME',
  'USERPROFILE',
  'WINDIR',
];
const NETWORK = [
  'HTTPS_PROXY',
  'HTTP_PROXY',
  'ALL_PROXY',
  'NO_PROXY',
  'NODE_EXTRA_CA_CERTS',
  'SSL_CERT_FILE',
  'SSL_CERT_DIR',
];

/** What the agent and its local servers take from the environment. */
export function agentEnvironment(
  env: Environment = process.env,
  platform: NodeJS.Platform = process.platform,
): AgentEnvironment {
  const windows = platform === 'win32';
  // Windows compares names without case and passes on the spelling it was given (`Path`).
  const wanted = new Set([...(windows ? WINDOWS : [...POSIX, ...POSIX_DIRS]), ...NETWORK]);
  const child: Record<string, string> = {};
  for (const [name, value] of Object.entries(env)) {
    const known =
      wanted.has(windows ? name.toUpperCase() : name) ||
      NETWORK.includes(name.toUpperCase()) ||
      (!windows && name.startsWith('LC_'));
    // Exported bash functions start so, and a shell that reads one runs it (Shellshock).
    if (known && value !== undefined && !value.startsWith('()') && !holdsLogin(name, value)) child[name] = value;
  }
  const https = pick(env, 'https_proxy') ?? pick(env, 'all_proxy');
  const http = pick(env, 'http_proxy') ?? pick(env, 'all_proxy');
  const no = pick(env, 'no_proxy');
  const pathName = windows ? Object.keys(child).find((name) => name.toUpperCase() === 'PATH') : 'PATH';
  return {
    path: (pathName === undefined ? undefined : child[pathName]) ?? '',
    ...(!windows && env.SHELL ? { shell: env.SHELL } : {}),
    child,
    proxy: { ...(https ? { https } : {}), ...(http ? { http } : {}), ...(no ? { no } : {}) },
  };
}

/** True for a proxy's address with a user name or password in it; curl takes one without a scheme too. */
function holdsLogin(name: string, value: string): boolean {
  return /_proxy$/i.test(name) && !/^no_proxy$/i.test(name) && value.includes('@');
}

/** An empty variable counts as unset, as in curl. */
function pick(env: Environment, name: string): string | undefined {
  return env[name] || env[name.toUpperCase()] || undefined;
}

/** What decides whether a terminal gets colour; https://no-color.org and https://force-color.org. */
export function colourWish(env: Environment = process.env): 'never' | 'always' | 'auto' {
  if (env.NO_COLOR) return 'never';
  if (env.FORCE_COLOR === '0' || env.FORCE_COLOR === 'false') return 'never';
  if (env.FORCE_COLOR !== undefined) return 'always';
  return env.TERM === 'dumb' ? 'never' : 'auto';
}

/** True where no person sits in front: opening a browser would reach nobody. */
export function isCi(env: Environment = process.env): boolean {
  return env.CI !== undefined && env.CI !== '' && env.CI !== '0' && env.CI !== 'false';
}

/** True when a browser can be opened here: on Linux that takes a display, and over SSH it would open on the wrong machine. */
export function canOpenBrowser(env: Environment = process.env, platform: NodeJS.Platform = process.platform): boolean {
  if (isCi(env) || env.SSH_CONNECTION) return false;
  return platform === 'win32' || platform === 'darwin' || Boolean(env.DISPLAY || env.WAYLAND_DISPLAY);
}
