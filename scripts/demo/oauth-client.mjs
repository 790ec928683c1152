/** An OAuth client as MCP clients are: it registers, and a browser signs its user in. Everything stays in memory. */
export class DemoOAuthClient {
  /** Nothing listens there: the demo's browser stops at this address and hands the code over. */
  static redirect = 'http://127.0.0.1:33418/callback';
  redirectUrl = DemoOAuthClient.redirect;
  clientMetadata = {
    client_name: 'Demo client',
    redirect_uris: [this.redirectUrl],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
  };
  #client;
  #tokens;
  #verifier;
  #signIn;

  /** @param {(url: URL) => Promise<URL>} signIn takes the authorization URL through a browser to the redirect */
  constructor(signIn) {
    this.#signIn = signIn;
  }

  clientInformation() {
    return this.#client;
  }

  saveClientInformation(client) {
    this.#client = client;
  }

  tokens() {
    return this.#tokens;
  }

  saveTokens(tokens) {
    this.#tokens = tokens;
  }

  saveCodeVerifier(verifier) {
    this.#verifier = verifier;
  }

  codeVerifier() {
    return this.#verifier;
  }

  async redirectToAuthorization(url) {
    this.code = (await this.#signIn(url)).searchParams.get('code');
  }
}
