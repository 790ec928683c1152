import { resolve } from 'node:path';
import { checkSection } from './check.js';
import type { AllowRule, OidcLoginConfig, RelayConfig } from './config.js';
import type { Problem } from './config-error.js';
import type { DecodeContext } from './decode-context.js';
import { expandKeys } from './expand.js';
import { expandHome, userDataDir } from './paths.js';
import { isPlain, type Plain } from './plain.js';
import { AllowSection, AuthSection, LimitsSection, limitsOf, RelaySection } from './relay-section.js';
import { publicOrigin } from './urls.js';

/** A relay's config, with defaults; adds what is wrong to `problems` and is then not to be used. */
export function decodeRelay(raw: Plain, context: DecodeContext, problems: Problem[]): RelayConfig | undefined {
  const section = checkSection(RelaySection, expandKeys(raw, ['secret'], '', context.env, problems), '', problems);
  const auth = decodeAuth(raw.auth, context, problems);
  const limits = decodeLimits(raw.limits, problems);
  if (section === undefined || limits === undefined || problems.length > 0) return undefined;
  const issuerUrl = section.issuerUrl === undefined ? undefined : publicOrigin(section.issuerUrl).value;
  const dataDir = section.dataDir === undefined ? userDataDir() : resolve(context.folder, expandHome(section.dataDir));
  return {
    mode: 'relay',
    ...(auth && { auth }),
    port: section.port,
    host: section.host,
    ...(issuerUrl && { issuerUrl }),
    ...(section.secret && { secret: section.secret }),
    dataDir,
    trustProxy: section.trustProxy,
    limits,
  };
}

function decodeAuth(raw: unknown, context: DecodeContext, problems: Problem[]): OidcLoginConfig | undefined {
  if (raw === undefined) return undefined;
  const expanded = isPlain(raw) ? expandKeys(raw, ['clientSecret'], 'auth', context.env, problems) : raw;
  const section = checkSection(AuthSection, expanded, 'auth', problems);
  if (section === undefined) return undefined;
  const allow = decodeAllow(section.allow, problems);
  const { issuer, clientId, clientSecret, scopes, userClaim } = section;
  return { issuer, clientId, ...(clientSecret && { clientSecret }), scopes, userClaim, allow };
}

function decodeAllow(raw: unknown, problems: Problem[]): AllowRule {
  if (raw === undefined) return {};
  const before = problems.length;
  const section = checkSection(AllowSection, raw, 'auth.allow', problems);
  if (section === undefined || problems.length > before) return {};
  const { emails, domains, claims } = section;
  return {
    ...(emails && { emails }),
    // Domain names have no case; addresses are compared by whoever checks them.
    ...(domains && { domains: domains.map((domain) => domain.toLowerCase()) }),
    ...(claims && { claims }),
  };
}

function decodeLimits(raw: unknown, problems: Problem[]): RelayConfig['limits'] | undefined {
  const before = problems.length;
  const section = checkSection(LimitsSection, raw === undefined ? {} : raw, 'limits', problems);
  if (section === undefined || problems.length > before) return undefined;
  const limits = limitsOf(section);
  if (limits.callMaxSeconds < limits.callSeconds) {
    const message = `must not be below callSeconds; write ${limits.callSeconds} or more`;
    problems.push({ path: 'limits.callMaxSeconds', message });
  }
  return limits;
}
