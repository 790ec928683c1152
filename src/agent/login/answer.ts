/** An authorization response (RFC 6749 §4.1.2) on its way from the browser to this process. */
export interface Answer {
  readonly parameters: URLSearchParams;
  /** Tells the browser how the login ended, where it waits for that. */
  reply(outcome: 'done' | 'failed'): void;
}

/**
 * Reads what a person may paste: the whole callback URL, its query string, or the line the relay's code page shows.
 * @returns undefined when it is none of them
 */
function parsePasted(text: string): URLSearchParams | undefined {
  const trimmed = text.trim();
  const query = trimmed.slice(trimmed.indexOf('?') + 1).replace(/#.*$/, '');
  const parameters = new URLSearchParams(query);
  return parameters.has('state') && (parameters.has('code') || parameters.has('error')) ? parameters : undefined;
}

export interface PasteOptions {
  /** One line of input, undefined when there will be no more. @throws the signal's reason */
  readonly readPaste: (signal: AbortSignal) => Promise<string | undefined>;
  readonly state: string;
  readonly notify: (text: string) => void;
  readonly signal: AbortSignal;
}

/** Waits for a pasted answer to this login; anything else is explained and waited on. @returns why not, when input ends */
export async function pastedAnswer(options: PasteOptions): Promise<Answer | 'no_answer' | 'state_mismatch'> {
  const { readPaste, state, notify, signal } = options;
  let ended: 'no_answer' | 'state_mismatch' = 'no_answer';
  for (;;) {
    const line = await readPaste(signal);
    if (line === undefined) return ended;
    if (line.trim() === '') continue;
    const parameters = parsePasted(line);
    if (parameters?.get('state') === state) return { parameters, reply: () => {} };
    if (parameters === undefined) {
      notify('That is not the answer. Paste the whole line: it holds "code=" and "state=".');
    } else {
      ended = 'state_mismatch';
      notify('That answers an earlier login. Open the address above and paste what it ends with.');
    }
  }
}
