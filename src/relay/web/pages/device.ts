export interface DeviceView {
  readonly action: string;
  readonly xsrf: string;
  readonly userCode: string;
  readonly problem: string | undefined;
}

/** `confirm`: the page after this one, which asks for consent, is where the person sees who asks. */
export const deviceTemplate = `
<h1>Connect a machine to this relay</h1>
<p>Type the code that <code>mcp-local-tunnel login</code> shows in the terminal there. You are asked once more before
anything is connected.</p>
<% if (it.problem !== undefined) { %><p class="note bad" role="alert" id="problem"><%= it.problem %></p><% } %>
<form method="post" action="<%= it.action %>">
<input type="hidden" name="xsrf" value="<%= it.xsrf %>">
<input type="hidden" name="confirm" value="yes">
<label for="user_code">Code</label>
<input id="user_code" name="user_code" value="<%= it.userCode %>" placeholder="BCDF-GHJK" autocomplete="off"
 autocapitalize="characters" spellcheck="false" maxlength="40" required autofocus
 <% if (it.problem !== undefined) { %>aria-describedby="problem"<% } %>>
<p class="note">Go on only with a code from a machine of your own, where you have just started this. Whoever sent you a
code or a link to this page would connect a machine of theirs in your name.</p>
<div class="buttons"><button class="main">Continue</button></div>
</form>
`;
