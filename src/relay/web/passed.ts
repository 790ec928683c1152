import type { Request, RequestHandler, Response } from 'express';

/** Runs an Express middleware inside a handler, where its errors reach our own error pages. */
export function passed(middleware: RequestHandler, req: Request, res: Response): Promise<void> {
  return new Promise((resolve, reject) => {
    const next = (error?: unknown): void => {
      if (error === undefined) resolve();
      else reject(error);
    };
    Promise.resolve(middleware(req, res, next)).catch(reject);
  });
}
