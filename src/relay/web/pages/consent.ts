import type { PendingAuthorization } from '../../auth/interactions.js';

export interface ConsentView {
  readonly agent: boolean;
  readonly clientName: string;
  /** Who says so: a host that publishes the client's metadata, or nobody. */
  readonly clientHost: string | undefined;
  readonly redirectHost: string | undefined;
  readonly destination: 'web' | 'loopback' | 'app' | 'device';
  /** The machine that asks, where `destination` is `device`. */
  readonly device: PendingAuthorization['device'];
  /** One sentence each. */
  readonly permissions: readonly string[];
  /** The box for the scope `mcp:manage`; undefined: there is none. */
  readonly manage: 'checked' | 'unchecked' | undefined;
  readonly account: string | undefined;
  readonly switchUrl: string;
  readonly action: string;
  readonly csrf: string;
  readonly anotherAccount: boolean;
}

export const consentTemplate = `
<% if (it.agent) { %>
<h1>Connect this device to the relay?</h1>
<p><strong><%= it.clientName %></strong> wants to offer the tools of the machine it runs on.</p>
<% } else { %>
<h1>Allow <%= it.clientName %> to use your devices?</h1>
<% if (it.clientHost !== undefined) { %>
<p>This app is published by <strong><%= it.clientHost %></strong>.</p>
<% } else { %>
<p>The app chose this name itself; nobody has checked it.</p>
<% } %>
<% } %>
<h2>It will be able to</h2>
<ul>
<% for (const permission of it.permissions) { %><li><%= permission %></li><% } %>
</ul>
<% if (it.device !== undefined) { %>
<h2>The machine that asks</h2>
<% if (it.device.name !== undefined) { %><p>It calls itself <strong><%= it.device.name %></strong>.</p><% } %>
<% if (it.device.address !== undefined) { %><p>It asks from the address <strong><%= it.device.address %></strong>.</p><% } %>
<p>Its terminal shows the code <strong><code><%= it.device.userCode %></code></strong>.</p>
<p class="note">Only approve what you started yourself, just now, on a machine of your own that shows this very code.
Whoever sent you the code or a link would connect a machine of theirs in your name.</p>
<% } else { %>
<h2>Your approval is sent to</h2>
<p><strong><%= it.redirectHost %></strong><% if (it.destination === 'app') { %> links<% } %></p>
<% if (it.destination === 'loopback') { %>
<p class="note">That is a program on the computer you are using now. Go on only if you have just started signing in there:
any program on this computer could ask like this.</p>
<% } else if (it.destination === 'app') { %>
<p class="note">That is an app on this device that opens such links. Go on only if you have
just started signing in there: another app could have taken these links over.</p>
<% } %>
<% } %>
<% if (it.account !== undefined) { %>
<p class="account"><span>Signed in as <strong><%= it.account %></strong></span>
<a href="<%= it.switchUrl %>">Use another account</a></p>
<% } %>
<form method="post" action="<%= it.action %>">
<input type="hidden" name="csrf" value="<%= it.csrf %>">
<% if (it.anotherAccount) { %><input type="hidden" name="account" value="other"><% } %>
<% if (it.manage !== undefined) { %>
<label class="choice"><input type="checkbox" name="manage" value="yes"<% if (it.manage === 'checked') { %> checked<% } %>>
<span>Also let it restart my servers. Calls that are running there are lost then.</span></label>
<% } %>
<div class="buttons">
<button name="decision" value="deny">Deny</button>
<button class="main" name="decision" value="allow">Allow</button>
</div>
</form>
<% if (it.account === undefined) { %><p class="hint">You sign in after Allow.</p><% } %>
`;

const MAX_NAME_CHARACTERS = 80;

/**
 * A client's own words, made safe to stand in a sentence of ours: no control characters, none that reorder text or
 * cannot be seen, one line, bounded.
 */
export function plainWords(text: string): string {
  const seen = text
    .replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim();
  const characters = [...seen];
  return characters.length > MAX_NAME_CHARACTERS ? `${characters.slice(0, MAX_NAME_CHARACTERS - 1).join('')}…` : seen;
}

/**
 * What each scope lets a client do, in plain words; an unknown scope is shown by its name.
 * `narrowed`: what `narrowedTo` gave.
 */
export function permissionsOf(scopes: readonly string[], narrowed: string | undefined): readonly string[] {
  const words: Readonly<Record<string, string>> = {
    mcp: `use every tool of ${narrowed ?? 'your devices'}. Tools may run programs, and read, change or delete files.`,
    tunnel: 'offer this machine’s tools through this relay, to the apps you allow.',
    offline_access: 'stay connected until you withdraw this.',
  };
  return scopes
    .filter((scope) => scope !== 'openid')
    .map((scope) => (Object.hasOwn(words, scope) ? words[scope] : undefined) ?? `use “${plainWords(scope)}”.`);
}

/** The device and server a resource like `<publicUrl>/mcp/laptop/shell` is narrowed to. */
export function narrowedTo(resource: string, publicUrl: string): string | undefined {
  if (!URL.canParse(resource) || resource.startsWith(`${publicUrl}/ws`)) return undefined;
  const path = new URL(resource).pathname.slice(new URL(publicUrl).pathname.replace(/\/$/, '').length);
  const [, , device, server] = path.split('/').map((part) => plainWords(safeDecode(part)));
  if (!device) return undefined;
  return server ? `the server “${server}” on the device “${device}” only` : `the device “${device}” only`;
}

export function destinationOf(client: PendingAuthorization['client']): ConsentView['destination'] {
  if (client.redirectUri === undefined) return 'device';
  if (client.loopback) return 'loopback';
  return /^https?:/i.test(client.redirectUri) ? 'web' : 'app';
}

/** The host that vouches for a client by publishing its metadata at the client id's URL. */
export function clientHostOf(client: PendingAuthorization['client']): string | undefined {
  return client.kind === 'document' && URL.canParse(client.id) ? new URL(client.id).host : undefined;
}

function safeDecode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
