import express, { type Request, type Response } from 'express';
import { PageError } from './page-error.js';
import { passed } from './passed.js';

const readForm = express.urlencoded({ extended: false, limit: '16kb', parameterLimit: 20 });

/** The fields of a form of ours, each a single string. Throws PageError. */
export async function formOf(req: Request, res: Response): Promise<ReadonlyMap<string, string>> {
  // A browser says where a form came from; one that says nothing still has to show the CSRF code.
  const site = req.headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin') throw new PageError('foreign_form');
  if (req.is('application/x-www-form-urlencoded') === false) throw new PageError('bad_form');
  try {
    await passed(readForm, req, res);
  } catch (error) {
    const tooLarge = error instanceof Error && 'status' in error && error.status === 413;
    throw new PageError(tooLarge ? 'too_large' : 'bad_form');
  }
  const fields = new Map<string, string>();
  for (const [name, value] of Object.entries<unknown>(req.body ?? {})) {
    if (typeof value !== 'string') throw new PageError('bad_form');
    fields.set(name, value);
  }
  return fields;
}
