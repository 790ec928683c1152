import { randomBytes } from 'node:crypto';
import { hash, verify } from '@node-rs/argon2';

const MIN_CHARACTERS = 12;
const MAX_BYTES = 1024;
const MIN_DISTINCT = 5;
/** Dates, telephone numbers and the like are long before they are hard to guess. */
const MIN_WITHOUT_WORDS = 20;

/** argon2id (the library's default) with OWASP's parameters: 19 MiB, two passes, one lane. */
const PARAMETERS = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/** The words most leaked passwords of this length are made of. */
const GUESSED_FIRST = /password|passw0rd|qwerty|letmein|changeme|iloveyou|welcome|adminadmin|abcdef|12345678|87654321/g;

/**
 * What is wrong with a new password, in words for the person choosing it; undefined when it will do. Length decides
 * (NIST SP 800-63B §3.1.1.2): no rule about kinds of characters.
 */
export function passwordProblem(password: string, name: string): string | undefined {
  if ([...password].length < MIN_CHARACTERS) return `The password needs at least ${MIN_CHARACTERS} characters.`;
  if (Buffer.byteLength(password) > MAX_BYTES) return `The password may have at most ${MAX_BYTES} bytes.`;
  const folded = normalised(password).toLowerCase();
  if (new Set(folded).size < MIN_DISTINCT) return 'The password repeats too few characters.';
  // What is left beside the guessable part has to make up for it.
  const rest = folded.replaceAll(name.toLowerCase() || '\0', '').replaceAll(GUESSED_FIRST, '');
  if (rest.replaceAll(/[\d\s\p{P}\p{S}]/gu, '').length < 3 && rest.length < MIN_WITHOUT_WORDS) {
    return 'The password is among the first that are guessed. Use a few words that do not belong together.';
  }
  return undefined;
}

export function hashPassword(password: string): Promise<string> {
  return hash(normalised(password), PARAMETERS);
}

/** False for a wrong password and for one too long to have been set. */
export async function verifyPassword(hashed: string, password: string): Promise<boolean> {
  const tooLong = Buffer.byteLength(password) > MAX_BYTES;
  const right = await verify(hashed, tooLong ? '' : normalised(password));
  return right && !tooLong;
}

/** A hash that no password has; checking against it costs what checking a real one costs. */
export function dummyHash(): Promise<string> {
  return hashPassword(randomBytes(32).toString('base64url'));
}

/** The same keys give the same password on every keyboard and system (NFKC). */
function normalised(password: string): string {
  return password.normalize('NFKC');
}
