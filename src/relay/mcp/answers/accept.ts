/** The kinds of body a client takes as an answer. */
export interface Accepts {
  readonly json: boolean;
  /** Only when the client names it: one that says nothing may not read event streams. */
  readonly events: boolean;
}

/** Reads an Accept header, leniently: a missing one and `*`/`*` mean JSON. */
export function readAccept(header: string | undefined): Accepts {
  if (header === undefined || header.trim() === '') return { json: true, events: false };
  const value = header.toLowerCase();
  return {
    json: value.includes('application/json') || value.includes('*/*') || value.includes('application/*'),
    events: value.includes('text/event-stream') || value.includes('text/*'),
  };
}

/** True for application/json with any parameters; nothing else is read as JSON. */
export function isJson(contentType: string | undefined): boolean {
  return contentType !== undefined && /^\s*application\/json\s*(;|$)/i.test(contentType);
}
