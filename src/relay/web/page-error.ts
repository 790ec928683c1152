import { InteractionError } from '../auth/interactions.js';
import { LoginError } from '../auth/login/login-error.js';
import type { ErrorView } from './pages/plain.js';

export type PageErrorCode = 'bad_form' | 'too_large' | 'too_many' | 'foreign_form' | 'not_here';

/** A request one of our own pages would not make. */
export class PageError extends Error {
  override readonly name = 'PageError';
  constructor(readonly code: PageErrorCode) {
    super(code);
  }
}

export interface ErrorPage extends ErrorView {
  readonly status: number;
}

const startOver = 'Go back to the app you came from and connect again.';

const pageErrors: Readonly<Record<PageErrorCode, ErrorPage>> = {
  bad_form: { status: 400, title: 'That form cannot be read', lines: [startOver] },
  too_large: { status: 413, title: 'That form is too large', lines: [startOver] },
  too_many: { status: 429, title: 'Too many attempts', lines: ['Wait a minute, then try again.'] },
  foreign_form: {
    status: 403,
    title: 'This did not come from our page',
    lines: ['The request was refused, and nothing has been approved.', startOver],
  },
  not_here: { status: 404, title: 'There is nothing here', lines: ['Check the address.'] },
};

/**
 * What a person is told about a failure: what happened and what to do next, and nothing that only the operator may
 * know. `retry` makes the address at which an authorization request can be tried again.
 */
export function errorPage(error: unknown, retry: (uid: string) => string): ErrorPage {
  if (error instanceof PageError) return pageErrors[error.code];
  if (error instanceof InteractionError) return interactionPage(error);
  if (error instanceof LoginError) return loginPage(error, retry);
  return {
    status: 500,
    title: 'Something went wrong here',
    lines: ['The relay could not do that; its log says why. Try again in a moment.'],
  };
}

function interactionPage(error: InteractionError): ErrorPage {
  switch (error.code) {
    case 'expired':
      return {
        status: 400,
        title: 'This sign-in has expired',
        lines: ['It took too long, or is done already.', startOver],
      };
    case 'not_approved':
      return { status: 403, title: 'This has not been approved', lines: ['Nothing was signed in.', startOver] };
    case 'missing':
      return {
        status: 400,
        title: 'This sign-in does not belong to this browser',
        lines: [
          'It was begun in another browser, or it is over, or cookies are switched off.',
          `${startOver} Finish in the browser in which you begin.`,
        ],
      };
  }
}

function loginPage(error: LoginError, retry: (uid: string) => string): ErrorPage {
  const again = error.uid === undefined ? {} : { link: { href: retry(error.uid), text: 'Try again' } };
  switch (error.code) {
    case 'unreachable':
      return {
        status: 503,
        title: 'The sign-in provider cannot be reached',
        lines: ['It does not answer. Try again in a moment.', 'If this lasts, tell whoever runs this relay.'],
        ...again,
      };
    case 'misconfigured':
      return {
        status: 502,
        title: 'Sign-in is not set up rightly',
        lines: [
          'The relay and its sign-in provider do not fit together.',
          'Tell whoever runs this relay; its log says why.',
        ],
        ...again,
      };
    case 'state':
      return {
        status: 400,
        title: 'This sign-in cannot go on',
        lines: ['It took too long, has been used already, or was begun in another browser.', startOver],
      };
    case 'cancelled':
      return {
        status: 403,
        title: 'The sign-in was cancelled',
        lines: ['Your sign-in provider did not confirm who you are. Nothing has been approved.'],
        ...again,
      };
    case 'provider':
      return {
        status: 502,
        title: 'The sign-in provider sent an answer that cannot be used',
        lines: ['Try again. If this lasts, tell whoever runs this relay; its log says why.'],
        ...again,
      };
    case 'claim':
      return {
        status: 502,
        title: 'The sign-in provider did not say who you are',
        lines: [
          'You are signed in there, but what this relay needs to know you by is missing.',
          'Tell whoever runs this relay; its log says what is missing.',
        ],
        ...again,
      };
    case 'refused':
      return {
        status: 403,
        title: 'This account may not use this relay',
        lines: [
          `You signed in as ${error.account ?? 'an account without a name'}, which is not let in here.`,
          'Ask whoever runs this relay to let this account in, or use another one.',
        ],
        ...(error.uid === undefined
          ? {}
          : { link: { href: `${retry(error.uid)}?account=other`, text: 'Use another account' } }),
      };
  }
}
