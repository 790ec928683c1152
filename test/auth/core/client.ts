import { calculatePKCECodeChallenge, randomPKCECodeVerifier } from 'openid-client';
import { Browser, type Landing } from './browser.js';

export const CALLBACK = 'http://127.0.0.1:9999/cb';

export interface Json {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  readonly body: any;
}

export interface Tokens {
  readonly access_token: string;
  readonly refresh_token: string;
  readonly scope: string;
}

export async function getJson(url: string, init: RequestInit = {}): Promise<Json> {
  const response = await fetch(url, { redirect: 'manual', ...init });
  const text = await response.text();
  let body: unknown = text;
  try {
    body = JSON.parse(text);
  } catch {}
  return { status: response.status, headers: response.headers, body };
}

export function register(relay: string, metadata: object | string): Promise<Json> {
  const body = typeof metadata === 'string' ? metadata : JSON.stringify(metadata);
  return getJson(`${relay}/register`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
}

export async function registered(relay: string, metadata: object = {}): Promise<string> {
  const { status, body } = await register(relay, { client_name: 'Test', redirect_uris: [CALLBACK], ...metadata });
  if (status !== 201) throw new Error(`registration: ${status} ${JSON.stringify(body)}`);
  return body.client_id;
}

export function post(url: string, form: Record<string, string>, headers: Record<string, string> = {}): Promise<Json> {
  return getJson(url, { method: 'POST', headers, body: new URLSearchParams(form) });
}

type Query = Record<string, string | undefined>;

export interface Authorization {
  /** Where the browser ended before anyone approved: the consent page, an error page, or a redirect. */
  readonly page: Landing;
  readonly verifier: string;
  readonly browser: Browser;
}

/** Opens /authorize as `clientId`'s user; `extra` overrides parameters, undefined leaves one out. */
export async function begin(
  relay: string,
  clientId: string,
  extra: Query = {},
  browser: Browser = new Browser(relay),
): Promise<Authorization> {
  const verifier = randomPKCECodeVerifier();
  const query: Query = {
    client_id: clientId,
    redirect_uri: CALLBACK,
    response_type: 'code',
    state: 'the state',
    code_challenge: await calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    ...extra,
  };
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) if (value !== undefined) params.set(name, value);
  const page = await browser.open(`${relay}/authorize?${params}`);
  return { page, verifier, browser };
}

/** The whole walk to the client's redirect URI, with the user's approval. */
export async function authorize(
  relay: string,
  clientId: string,
  extra: Query = {},
  browser?: Browser,
  user?: string,
): Promise<Authorization & { readonly answer: URLSearchParams }> {
  const begun = await begin(relay, clientId, extra, browser);
  const { uid } = JSON.parse(begun.page.body);
  const landing = await begun.browser.open(`/interaction/${uid}/approve`, {
    method: 'POST',
    headers: user === undefined ? {} : { 'x-user': user },
  });
  return { ...begun, page: landing, answer: landing.url.searchParams };
}

export function redeem(
  relay: string,
  clientId: string,
  { answer, verifier }: { readonly answer: URLSearchParams; readonly verifier: string },
  extra: Record<string, string> = {},
): Promise<Json> {
  return post(`${relay}/token`, {
    grant_type: 'authorization_code',
    client_id: clientId,
    code: answer.get('code') ?? '',
    code_verifier: verifier,
    redirect_uri: CALLBACK,
    ...extra,
  });
}

export async function login(relay: string, clientId: string, extra: Query = {}, user?: string): Promise<Tokens> {
  const done = await authorize(relay, clientId, extra, undefined, user);
  const { status, body } = await redeem(relay, clientId, done, { redirect_uri: extra.redirect_uri ?? CALLBACK });
  if (status !== 200) throw new Error(`token: ${status} ${JSON.stringify(body)}`);
  return body;
}

export function refresh(relay: string, clientId: string, token: string, extra = {}): Promise<Json> {
  return post(`${relay}/token`, {
    grant_type: 'refresh_token',
    client_id: clientId,
    refresh_token: token,
    ...extra,
  });
}

export function call(url: string, token?: string): Promise<Json> {
  return getJson(url, { headers: token === undefined ? {} : { authorization: `Bearer ${token}` } });
}
