export interface SignInView {
  readonly clientName: string;
  readonly retry: string;
  readonly action: string;
  readonly csrf: string;
  readonly name: string;
  readonly problem: string | undefined;
  /** False before the relay has been set up: there is nobody to sign in as. */
  readonly hasOwner: boolean;
}

export const signInTemplate = `
<h1>Sign in</h1>
<p>to go on to <strong><%= it.clientName %></strong></p>
<% if (!it.hasOwner) { %>
<p class="note">This relay has no account yet. Open the set-up link that it printed when it started, then come back
here.</p>
<div class="buttons"><a class="button main" href="<%= it.retry %>">Go on</a></div>
<% } else { %>
<% if (it.problem !== undefined) { %><p class="note bad" role="alert" id="problem"><%= it.problem %></p><% } %>
<form method="post" action="<%= it.action %>">
<input type="hidden" name="csrf" value="<%= it.csrf %>">
<label for="name">Name</label>
<input id="name" name="name" value="<%= it.name %>" autocomplete="username" autocapitalize="none" spellcheck="false"
 required <% if (it.name === '') { %>autofocus<% } %>>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required
 <% if (it.problem !== undefined) { %>aria-describedby="problem"<% } %> <% if (it.name !== '') { %>autofocus<% } %>>
<div class="buttons"><button class="main">Sign in</button></div>
</form>
<% } %>
`;
