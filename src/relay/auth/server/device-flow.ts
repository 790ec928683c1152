import type { IncomingMessage } from 'node:http';
import type { Configuration, errors, KoaContextWithOIDC } from 'oidc-provider';
import type { PendingAuthorization } from '../interactions.js';
import type { RenderErrorPage, RenderedPage } from './error-page.js';
import { oneLine } from './pending-client.js';

/** Where a person types the code that a machine without a browser shows. */
export const DEVICE_PATH = '/device';

/** How long a code waits for its person. */
export const DEVICE_CODE_SECONDS = 600;

// RFC 8628 §6.1: no vowels, so no words; ****-**** of it makes 2^34 codes.
const CODE_FORM = { charset: 'base-20', mask: '****-****' } as const;
const MAX_SHOWN = 40;

/** The page at which a code is typed. */
export interface DeviceEntry {
  readonly action: string;
  readonly xsrf: string;
  /** What stands in the field already; never sent without a person's click. */
  readonly userCode: string;
  readonly problem: string | undefined;
}

/** Makes that page; escapes every value. */
export type RenderDevicePage = (view: DeviceEntry) => RenderedPage;

type DeviceFlow = NonNullable<NonNullable<Configuration['features']>['deviceFlow']>;

/** The device authorization grant (RFC 8628) with the relay's own pages: a code is typed here, and consent asked after it. */
export function deviceFlow(renderDevicePage: RenderDevicePage, renderPage: RenderErrorPage): DeviceFlow {
  const show = (ctx: KoaContextWithOIDC, { html, headers }: RenderedPage): void => {
    ctx.set({ ...headers });
    ctx.body = html;
  };
  const enter = (ctx: KoaContextWithOIDC, userCode: string, problem?: string): void => {
    const xsrf = ctx.oidc.session?.state?.secret;
    if (typeof xsrf !== 'string') throw new Error('oidc-provider has made no code for the form');
    show(ctx, renderDevicePage({ action: DEVICE_PATH, xsrf, userCode: userCode.slice(0, MAX_SHOWN), problem }));
  };
  return {
    enabled: true,
    ...CODE_FORM,
    deviceInfo: (ctx) => ({ name: nameIn(ctx.oidc.body), address: addressOf(ctx.req) }),
    userCodeInputSource: (ctx, _form, out, error) => {
      if (error === undefined) return enter(ctx, asked(ctx));
      if (error.name === 'AbortedError') {
        return show(
          ctx,
          renderPage('Nothing was connected', ['You said no. The terminal there has been told.', CLOSE]),
        );
      }
      // The library shows these with 200.
      if (ctx.status === 200) ctx.status = 400;
      if (ctx.oidc.session?.exp === undefined) {
        // The library would save a session that was never begun, and fail.
        if (ctx.oidc.session !== undefined) Reflect.set(ctx.oidc.session, 'touched', false);
        return show(ctx, renderPage('This page is too old', [begin(ctx)]));
      }
      if (out?.error === 'server_error') return show(ctx, renderPage('Something went wrong here', [FAILED]));
      return enter(ctx, 'userCode' in error ? String(error.userCode) : '', problemOf(error));
    },
    // The library's own confirmation is left out by the form: the consent page that follows is ours, and says more.
    userCodeConfirmSource: (ctx, _form, _client, _info, userCode) => enter(ctx, userCode),
    successSource: (ctx) => {
      show(ctx, renderPage('The machine is connected', ['The terminal there goes on by itself.', CLOSE]));
    },
  };
}

function begin({ oidc: { provider } }: KoaContextWithOIDC): string {
  return `Or cookies are switched off. Open ${provider.issuer}${DEVICE_PATH} and type the code once more.`;
}

const CLOSE = 'You can close this page.';
const FAILED = 'The relay could not do that; its log says why. Try again in a moment.';

function problemOf(error: errors.OIDCProviderError | Error): string {
  switch (error.name) {
    case 'NoCodeError':
      return 'Type the code that the terminal shows.';
    case 'NotFoundError':
      return 'No login waits for this code. Check each letter.';
    case 'ExpiredError':
      return 'This code has expired. Start the login again on that machine.';
    case 'AlreadyUsedError':
      return 'This code has been used already. Start the login again on that machine.';
    default:
      return 'That took too long, or was begun in another browser. Type the code once more.';
  }
}

/** The `user_code` of `verification_uri_complete`, which only fills in the field (RFC 8628 §3.3.1). */
function asked({ req }: KoaContextWithOIDC): string {
  const url = 'originalUrl' in req && typeof req.originalUrl === 'string' ? req.originalUrl : '';
  return new URLSearchParams(url.split('?', 2)[1]).get('user_code') ?? '';
}

/** `device_name`, a parameter of ours: what the machine wants to be called. */
function nameIn(body: unknown): string | undefined {
  if (typeof body !== 'object' || body === null || !('device_name' in body)) return undefined;
  return typeof body.device_name === 'string' ? oneLine(body.device_name) || undefined : undefined;
}

/** Express's `ip`: as far as `trustProxy` says. */
function addressOf(req: IncomingMessage): string | undefined {
  return 'ip' in req && typeof req.ip === 'string' ? req.ip : undefined;
}

/** What the consent page says of the machine that asks. @param normalized its code as it is kept: eight letters */
export function describeDevice(
  normalized: string,
  info: Readonly<Record<string, unknown>> = {},
): NonNullable<PendingAuthorization['device']> {
  const { name, address } = info;
  return {
    userCode: `${normalized.slice(0, 4)}-${normalized.slice(4)}`,
    ...(typeof name === 'string' ? { name } : {}),
    ...(typeof address === 'string' ? { address } : {}),
  };
}
