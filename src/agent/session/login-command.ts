import { join } from 'node:path';
import type { AgentConfig } from '../../config/config.js';
import { environment } from '../../config/environment.js';
import { CONFIG_FILE_NAME, userConfigDir } from '../../config/paths.js';
import { CONFIG_VARIABLE, findSource } from '../../config/source.js';

/**
 * What a person types into a terminal, wherever that is, to log this very config in. Never the config's text itself: it
 * may hold secrets, and would end up with an MCP client's model.
 */
export async function loginCommand(config: AgentConfig, configArgument: string | undefined): Promise<string> {
  // Where npx runs us there is no such command in the user's PATH.
  const byNpx = /[\\/]_npx[\\/]/.test(process.argv[1] ?? '');
  const insecure = config.insecure ? ' --insecure' : '';
  const command = `${byNpx ? 'npx ' : ''}mcp-local-tunnel login${insecure}`;
  const source = await findSource({ file: configArgument, cwd: process.cwd(), env: environment() });
  if (source === undefined) return command;
  if (source.file === undefined) return `${command} (with ${CONFIG_VARIABLE} set as it is for this MCP server)`;
  if (source.name === join(userConfigDir(), CONFIG_FILE_NAME)) return command;
  const plain = /^[\w@%+=:,./\\-]+$/.test(source.name);
  return `${command} --config ${plain ? source.name : `"${source.name}"`}`;
}
