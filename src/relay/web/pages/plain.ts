export interface ErrorView {
  readonly title: string;
  /** One paragraph each: what happened, and what to do next. */
  readonly lines: readonly string[];
  readonly link?: { readonly href: string; readonly text: string };
}

export const errorTemplate = `
<h1><%= it.title %></h1>
<% for (const line of it.lines) { %><p><%= line %></p><% } %>
<% if (it.link !== undefined) { %><div class="buttons"><a class="button main" href="<%= it.link.href %>"><%= it.link.text %></a></div><% } %>
`;

export interface ContinueView {
  readonly continueTo: string;
}

/**
 * Answers a form instead of a redirect: browsers hold the whole chain of redirects after a form against `form-action`
 * (CSP 3 §6.4.3), and where the provider or the client redirect to is not ours to know.
 */
export const continueTemplate = `
<h1>One moment…</h1>
<p><a href="<%= it.continueTo %>">Continue</a> if nothing happens.</p>
`;

export interface LandingView {
  readonly endpoint: string;
}

export const landingTemplate = `
<h1>mcp-local-tunnel relay</h1>
<p>This relay lets MCP clients use the tools on your own machines. Nothing here is public: every client and every machine
signs in first.</p>
<h2>Address for MCP clients</h2>
<pre><code><%= it.endpoint %></code></pre>
<h2>To offer a machine’s tools</h2>
<pre><code>mcp-local-tunnel agent</code></pre>
`;
