const REDACTED = '[redacted]';
const MAX_DEPTH = 6;
const MAX_ENTRIES = 100;

/** Keys whose text is a secret, whatever stands before them: `refresh_token`, `x-api-key`, `clientSecret`. */
const SECRET_KEY =
  /(token|tokens|authorization|cookie|secret|password|passwd|passphrase|apikey|privatekey|credentials?|verifier|assertion)$/;
/** What an error's `code` looks like: ECONNRESET, not_logged_in. An OAuth code is long and mixed. */
const ERROR_CODE = /^([A-Z][A-Z0-9_]{1,40}|[a-z][a-z_]{1,30}|-?\d{1,6})$/;

// Strangers write some of what is logged: no pattern may take more than one pass, however the text is made.
const SECRET_TEXT: readonly (readonly [RegExp, string])[] = [
  // JSON Web Tokens and encrypted ones: dotted base64url parts, the first of which is a JSON object.
  [/(?<![\w-])eyJ[\w-]{6,}(\.[\w-]*){1,4}/g, REDACTED],
  [/\b(Bearer|Basic|DPoP)\s+[\w.~+/=-]{6,}/gi, `$1 ${REDACTED}`],
  [
    /\b(code|(?:[a-z]+_)*token|client_secret|code_verifier|client_assertion|password|secret)=[^&\s"'#]+/gi,
    `$1=${REDACTED}`,
  ],
  [/(\b[a-z][a-z0-9+.-]{0,31}:\/\/)[^\s/@"']+@/gi, `$1${REDACTED}@`],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)/g, REDACTED],
];

/** Something of which each of them needs one: most texts have none, and are looked through once instead of five times. */
const MAYBE_SECRET = /eyJ|[=@]|-----BEGIN|(?:Bearer|Basic|DPoP)\s/i;

/** Text without what looks like a secret. */
export function redactText(text: string): string {
  if (!MAYBE_SECRET.test(text)) return text;
  let result = text;
  for (const [pattern, replacement] of SECRET_TEXT) result = result.replace(pattern, replacement);
  return result;
}

/** Fields of a log line without secrets, by key and by look; deep, in plain data, whatever was given. */
export function redactFields(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const key of Object.keys(fields)) {
    const value = fields[key];
    if (value !== undefined) result[key] = redactEntry(key, value, 0);
  }
  return result;
}

function redactEntry(key: string, value: unknown, depth: number): unknown {
  // Harmless, whatever it is called.
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return value;
  const name = key.toLowerCase().replace(/[^a-z0-9]/g, '');
  if (SECRET_KEY.test(name)) return REDACTED;
  if (name === 'code' && typeof value === 'string' && !ERROR_CODE.test(value)) return REDACTED;
  return redactValue(value, depth);
}

function redactValue(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return redactText(value);
  if (typeof value === 'bigint' || typeof value === 'symbol' || typeof value === 'function') return String(value);
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
  if (ArrayBuffer.isView(value)) return `${value.byteLength} bytes`;
  if (value instanceof URL) return redactText(value.href);
  if (depth >= MAX_DEPTH) return '…';
  if (value instanceof Error) return redactError(value, depth);
  if (Array.isArray(value)) return value.slice(0, MAX_ENTRIES).map((entry: unknown) => redactValue(entry, depth + 1));
  const entries =
    value instanceof Map ? [...value].map(([key, entry]) => [String(key), entry] as const) : Object.entries(value);
  return Object.fromEntries(
    entries.slice(0, MAX_ENTRIES).map(([key, entry]) => [key, redactEntry(key, entry, depth + 1)]),
  );
}

/** Name, message, code and cause: other properties of errors may hold whole requests. */
function redactError(error: Error, depth: number): unknown {
  return {
    name: error.name,
    message: redactText(error.message),
    ...('code' in error && error.code !== undefined && { code: redactEntry('code', error.code, depth + 1) }),
    ...(error.cause !== undefined && { cause: redactValue(error.cause, depth + 1) }),
    ...(error.stack !== undefined && { stack: redactText(error.stack) }),
  };
}
