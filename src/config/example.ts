const relay = `{
  "mode": "relay",
  "issuerUrl": "https://relay.example.com",
  "auth": { "issuer": "https://accounts.google.com", "clientId": "…", "clientSecret": "…" }
}`;

const agent = `{
  "mode": "agent",
  "relay": "relay.example.com",
  "servers": {
    "files": { "command": ["npx", "-y", "@modelcontextprotocol/server-filesystem", "."] }
  }
}`;

/** The smallest config worth writing, for one mode or for both. */
export function minimalExample(mode: 'relay' | 'agent' | undefined): string {
  if (mode === 'relay') return relay;
  if (mode === 'agent') return agent;
  return `${agent}\nor, on the server with the public address:\n${relay}`;
}
