import { expect, it } from 'vitest';
import { CLIENT_PROFILES, profileOf } from './client-profiles.js';
import { EXPOSED_NAME_MAX } from './names.js';

it.each([
  ['Anthropic/ClaudeAI', 'x', 'claude'],
  ['claude-ai', 'x', 'claude'],
  ['claude-ai (via mcp-remote 0.15.1)', 'x', 'claude'],
  ['claude-code', 'https://claude.ai/oauth/claude-code-client-metadata', 'claude-code'],
  ['openai-mcp', 'x', 'chatgpt'],
  ['codex-mcp-client', 'x', 'codex'],
  ['cursor-vscode', 'x', 'cursor'],
  ['Visual Studio Code', 'x', 'vscode'],
  ['Visual Studio Code - Insiders', 'x', 'vscode'],
  ['gemini-cli-mcp-client-files', 'x', 'gemini-cli'],
  ['opencode', 'x', 'opencode'],
  [undefined, 'https://claude.ai/oauth/mcp-oauth-client-metadata', 'claude'],
  ['something', 'https://www.chatgpt.com/oauth/1.json', 'chatgpt'],
  ['something', 'https://notclaude.ai/x', undefined],
  ['something', 'https://claude.ai.example.com/x', undefined],
  ['my-claude-ai', 'dcr-1', undefined],
  ['mcp-inspector', 'dcr-1', undefined],
])('%s with id %s is %s', (name, id, expected) => {
  expect(profileOf({ id, ...(name === undefined ? {} : { info: { name } }) })?.name).toBe(expected);
});

it('has no client that refuses the names under which tools are exposed', () => {
  const longest = 'aZ09_-'.padEnd(EXPOSED_NAME_MAX, 'x');
  for (const { toolNameMax, toolNamePattern } of CLIENT_PROFILES) {
    expect(longest.length).toBeLessThanOrEqual(toolNameMax);
    expect(toolNamePattern.test(longest)).toBe(true);
  }
});
