import { createHash } from 'node:crypto';
import { Eta } from 'eta';
import type { Response } from 'express';
import { type ConsentView, consentTemplate } from './consent.js';
import { type DeviceView, deviceTemplate } from './device.js';
import { layoutTemplate, style } from './layout.js';
import {
  type ContinueView,
  continueTemplate,
  type ErrorView,
  errorTemplate,
  type LandingView,
  landingTemplate,
} from './plain.js';
import {
  type ResetDoneView,
  resetDoneTemplate,
  type SetupDoneView,
  type SetupView,
  setupDoneTemplate,
  setupScript,
  setupTemplate,
} from './setup.js';
import { type SignInView, signInTemplate } from './sign-in.js';

/** What each page shows. Every value is escaped by the template. */
export interface Views {
  readonly consent: ConsentView;
  readonly signIn: SignInView;
  readonly setup: SetupView;
  readonly setupDone: SetupDoneView;
  readonly resetDone: ResetDoneView;
  readonly error: ErrorView;
  readonly continue: ContinueView;
  readonly device: DeviceView;
  readonly landing: LandingView;
}

const templates: Readonly<Record<keyof Views, string>> = {
  consent: consentTemplate,
  signIn: signInTemplate,
  setup: setupTemplate,
  setupDone: setupDoneTemplate,
  resetDone: resetDoneTemplate,
  error: errorTemplate,
  continue: continueTemplate,
  device: deviceTemplate,
  landing: landingTemplate,
};

/**
 * Pages between a client and its answer. Many web clients open the sign-in in a popup and talk to it through
 * `window.opener` when it comes back; any stricter opener policy on the way would cut that for good.
 */
const onTheWay: ReadonlySet<keyof Views> = new Set(['consent', 'signIn', 'continue', 'error']);

export interface Page {
  readonly html: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Every page people see, with the headers it needs. Templates are compiled once; they work without JavaScript. */
export class Pages {
  readonly #eta = new Eta({ autoEscape: true, cache: true });
  readonly #host: string;

  /** @param publicUrl its host is named at the foot of each page. */
  constructor(publicUrl: string) {
    this.#host = new URL(publicUrl).host;
    this.#eta.loadTemplate('@layout', layoutTemplate);
    for (const [name, template] of Object.entries(templates)) this.#eta.loadTemplate(`@${name}`, template);
  }

  render<Name extends keyof Views>(name: Name, title: string, view: Views[Name]): Page {
    const script = name === 'setup' ? setupScript : undefined;
    const html = this.#eta.render('@layout', {
      title,
      style,
      script,
      host: this.#host,
      body: this.#eta.render(`@${name}`, view),
      continueTo: 'continueTo' in view ? view.continueTo : undefined,
    });
    return { html, headers: headersFor(name, script) };
  }

  send<Name extends keyof Views>(res: Response, status: number, name: Name, title: string, view: Views[Name]): void {
    const page = this.render(name, title, view);
    res.status(status).set(page.headers).send(page.html);
  }
}

/** Nothing may be loaded, framed or stored; the one style sheet and the one script are allowed by their hashes. */
function headersFor(name: keyof Views, script: string | undefined): Readonly<Record<string, string>> {
  const policy = [
    "default-src 'none'",
    `style-src ${hashSource(style)}`,
    ...(script === undefined ? [] : [`script-src ${hashSource(script)}`]),
    "form-action 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ];
  return {
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Security-Policy': policy.join('; '),
    'Cache-Control': 'no-store',
    // `no-referrer` would make browsers send `Origin: null` with our own forms.
    'Referrer-Policy': 'same-origin',
    'X-Frame-Options': 'DENY',
    'X-Content-Type-Options': 'nosniff',
    'Cross-Origin-Opener-Policy': onTheWay.has(name) ? 'unsafe-none' : 'same-origin',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Permissions-Policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
  };
}

function hashSource(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}
