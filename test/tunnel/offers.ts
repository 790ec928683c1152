import type { FakeAgent } from './fake-agent.js';

/** What a server with something of each kind offers. */
export const OFFER = {
  era: 'legacy' as const,
  protocolVersion: '2025-11-25',
  serverInfo: { name: 'files' },
  capabilities: {},
  tools: [{ name: 'run', 'x-kept': true }],
  prompts: [{ name: 'ask', 'x-kept': true }, { name: 'run' }],
  resources: [
    { uri: 'file:///a', name: 'a', 'x-kept': true },
    { uri: 'ui://form', name: 'form' },
  ],
  resourceTemplates: [{ uriTemplate: 'file:///{path}', name: 'any' }],
  fit: true,
};

/** Done once the relay has it. */
export async function offer(agent: FakeAgent, server: string, change: Partial<typeof OFFER> = {}): Promise<void> {
  agent.catalog(server, [], { offer: { ...OFFER, ...change } });
  await agent.settled();
}
