import { type DynamicModule, Module, type ModuleMetadata } from '@nestjs/common';
import type { RelayConfig } from '../../config/config.js';
import type { Logger } from '../../log/logger.js';
import { Accounts } from '../auth/accounts/accounts.js';
import { SetupLink } from '../auth/accounts/setup-link.js';
import { OidcLogin } from '../auth/login/oidc-login.js';
import { Sealer } from '../auth/login/sealer.js';
import type { Store } from '../store/store.js';
import { LOGGER, PUBLIC_URL, RELAY_CONFIG, STORE } from '../tokens.js';
import { CallbackController } from './callback.controller.js';
import { FormCodes } from './form-codes.js';
import { InteractionController } from './interaction.controller.js';
import { OutcomeCookie } from './outcome-cookie.js';
import { Pages } from './pages/pages.js';
import { PublicController } from './public.controller.js';
import { RateLimits } from './rate-limits.js';
import { SetupController } from './setup.controller.js';
import { FormSignIn, ProviderSignIn, SignIn } from './sign-in.js';
import { WEB_OPTIONS, type WebOptions } from './web-options.js';

/** The pages people see, and how they sign in. Needs CoreModule, and INTERACTIONS from one of `imports`. */
@Module({})
// biome-ignore lint/complexity/noStaticOnlyClass: Nest's form of a module with parameters
export class WebModule {
  static of(options: WebOptions, imports: NonNullable<ModuleMetadata['imports']>): DynamicModule {
    return {
      module: WebModule,
      imports,
      controllers: [InteractionController, CallbackController, SetupController, PublicController],
      providers: [
        { provide: WEB_OPTIONS, useValue: options },
        RateLimits,
        { provide: Pages, useFactory: (publicUrl: string) => new Pages(publicUrl), inject: [PUBLIC_URL] },
        {
          provide: FormCodes,
          useFactory: ({ secret }: WebOptions) => new FormCodes(new Sealer(secret, 'form codes')),
          inject: [WEB_OPTIONS],
        },
        {
          provide: OutcomeCookie,
          useFactory: ({ secret }: WebOptions, publicUrl: string) =>
            new OutcomeCookie(new Sealer(secret, 'sign-in outcome'), publicUrl),
          inject: [WEB_OPTIONS, PUBLIC_URL],
        },
        {
          provide: Accounts,
          useFactory: (store: Store, publicUrl: string) => new Accounts(store, publicUrl),
          inject: [STORE, PUBLIC_URL],
        },
        {
          provide: SetupLink,
          useFactory: (store: Store, accounts: Accounts, publicUrl: string) =>
            new SetupLink(store, accounts, publicUrl),
          inject: [STORE, Accounts, PUBLIC_URL],
        },
        {
          provide: OidcLogin,
          useFactory: (config: RelayConfig, store: Store, publicUrl: string, logger: Logger, { secret }: WebOptions) =>
            config.auth && new OidcLogin({ config: config.auth, store, publicUrl, secret, log: logger.child('login') }),
          inject: [RELAY_CONFIG, STORE, PUBLIC_URL, LOGGER, WEB_OPTIONS],
        },
        {
          provide: SignIn,
          useFactory: (
            login: OidcLogin | undefined,
            accounts: Accounts,
            pages: Pages,
            codes: FormCodes,
            limits: RateLimits,
            logger: Logger,
          ) =>
            login === undefined
              ? new FormSignIn(accounts, pages, codes, limits, logger.child('login'))
              : new ProviderSignIn(login),
          inject: [{ token: OidcLogin, optional: true }, Accounts, Pages, FormCodes, RateLimits, LOGGER],
        },
      ],
      exports: [Pages, SetupLink],
    };
  }
}
