export interface SetupView {
  readonly purpose: 'setup' | 'reset';
  readonly token: string;
  readonly name: string;
  readonly problem: string | undefined;
}

/** Moves the token from the fragment, which no server sees, into its field and out of the address bar. */
export const setupScript = `
const token=location.hash.slice(1),field=document.getElementById('token');
if(token){field.value=token;history.replaceState(null,'',location.pathname);document.getElementById('name').focus()}
`;

export const setupTemplate = `
<% if (it.purpose === 'setup') { %><h1>Set up this relay</h1>
<p>Choose the name and password you will sign in with. Whoever signs in here can use every tool of your devices.</p>
<% } else { %><h1>Set a new password</h1>
<p>Choose the name and password you will sign in with from now on. Your devices and clients stay connected; every browser
has to sign in again.</p>
<% } %>
<% if (it.problem !== undefined) { %><p class="note bad" role="alert"><%= it.problem %></p><% } %>
<form method="post">
<label for="token">One-time token</label>
<input id="token" name="token" value="<%= it.token %>" autocomplete="off" autocapitalize="none" spellcheck="false" required
 aria-describedby="token-hint">
<p class="hint" id="token-hint">The part of the printed link after <code>#</code>. It is filled in when you open the link.</p>
<label for="name">Name</label>
<input id="name" name="name" value="<%= it.name %>" autocomplete="username" autocapitalize="none" spellcheck="false"
 maxlength="64" required>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="new-password" minlength="12" required
 aria-describedby="password-hint">
<p class="hint" id="password-hint">At least 12 characters. A few words that do not belong together are good.</p>
<label for="again">Password, once more</label>
<input id="again" name="again" type="password" autocomplete="new-password" minlength="12" required>
<div class="buttons"><button class="main"><%= it.purpose === 'setup' ? 'Set up' : 'Set password' %></button></div>
</form>
`;

export interface SetupDoneView {
  readonly name: string;
  readonly endpoint: string;
}

export interface ResetDoneView {
  readonly name: string;
}

export const resetDoneTemplate = `
<h1>Your new password is set</h1>
<p>Sign in as <strong><%= it.name %></strong> the next time a page asks. Your devices and clients go on as they were.</p>
<p>The link has done its work and is of no use to anyone now.</p>
`;

export const setupDoneTemplate = `
<h1>This relay is yours, <%= it.name %></h1>
<p>Next:</p>
<ul>
<li>On the machine with your tools, run <code>mcp-local-tunnel agent</code> and sign in.</li>
<li>In your MCP client, add this address: <pre><code><%= it.endpoint %></code></pre></li>
</ul>
`;
