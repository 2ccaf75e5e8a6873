import { Controller, Get, Header, Inject } from '@nestjs/common';
import { Everybody } from '../auth/roles.decorator.js';
import type { DaemonKeys } from './daemon-keys.js';

/** Injection token of the {@link DaemonKeys}. */
export const KEYS = Symbol('KEYS');

@Controller('.well-known')
export class KeysController {
  constructor(@Inject(KEYS) private readonly keys: DaemonKeys) {}

  /** Every key that ever signed, with its time and status: what offline verifiers need and may have. */
  @Get('jwks.json')
  @Header('content-type', 'application/jwk-set+json')
  @Header('cache-control', 'public, max-age=300')
  @Everybody()
  jwks(): string {
    return this.keys.jwks;
  }
}
