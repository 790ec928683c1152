/** What may stand as the command; a word that is none goes to `start`, which says so. */
export const commands = ['relay', 'agent', 'login', 'logout', 'status', 'start'] as const;

/** Flags of every command that take a value; they may stand before the command. */
const withValue: ReadonlySet<string> = new Set(['-c', '--config', '--log-level', '--log-format']);

/**
 * Arguments as oclif wants them: the command first. Without a command it is `start`, which runs what the config's `mode`
 * says; oclif itself would show the help.
 */
export function withCommand(argv: readonly string[]): string[] {
  const args = argv.map((arg) => (arg === '-h' ? '--help' : arg));
  const end = args.indexOf('--');
  const flags = end === -1 ? args : args.slice(0, end);
  const at = commandIndex(flags);
  const [command, rest] = at === undefined ? [undefined, args] : [args[at], args.filter((_, index) => index !== at)];
  if (command === 'help') return [...rest.slice(0, 1), '--help'];
  if (command !== undefined && known.has(command)) return [command, ...rest];
  if (flags.includes('--help')) return ['--help'];
  return flags.includes('--version') ? ['--version'] : ['start', ...args];
}

const known: ReadonlySet<string> = new Set(commands);

function commandIndex(args: readonly string[]): number | undefined {
  for (let index = 0; index < args.length; index++) {
    const arg = args[index] ?? '';
    if (withValue.has(arg)) index++;
    else if (!arg.startsWith('-')) return index;
  }
  return undefined;
}
