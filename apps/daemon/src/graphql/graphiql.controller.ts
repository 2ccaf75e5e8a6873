import { createRequire } from 'node:module';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Controller, Get, Inject, Param, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { Everybody } from '../auth/roles.decorator.js';
import { DaemonError } from '../errors.js';
import { GRAPHIQL_HTML, GRAPHIQL_SCRIPT } from './graphiql-page.js';

/** Injection token: whether the page is served. */
export const SERVES_GRAPHIQL = Symbol('SERVES_GRAPHIQL');

const require = createRequire(import.meta.url);
const inPackage = (name: string, file: string): string =>
  join(dirname(require.resolve(`${name}/package.json`)), file);

/** Nothing is fetched from elsewhere; the page also works without a network. */
const CONTENT_SECURITY_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; " +
  "font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

interface Asset {
  readonly type: string;
  read(): Promise<string>;
}

const script = (name: string, file: string): Asset => ({
  type: 'text/javascript; charset=utf-8',
  read: () => readFile(inPackage(name, file), 'utf8'),
});

/** The only files served: no path ever comes from the address. */
const ASSETS: Readonly<Record<string, Asset>> = {
  'react.js': script('react', 'umd/react.production.min.js'),
  'react-dom.js': script('react-dom', 'umd/react-dom.production.min.js'),
  'graphiql.js': script('graphiql', 'graphiql.min.js'),
  'graphiql.css': {
    type: 'text/css; charset=utf-8',
    read: () => readFile(inPackage('graphiql', 'graphiql.min.css'), 'utf8'),
  },
  'page.js': { type: 'text/javascript; charset=utf-8', read: () => Promise.resolve(GRAPHIQL_SCRIPT) },
};

/** The page to try queries on, with a field for the token. For development; see LACUNA_GRAPHIQL. */
@Controller('graphiql')
export class GraphiqlController {
  constructor(@Inject(SERVES_GRAPHIQL) private readonly served: boolean) {}

  @Get()
  @Everybody()
  async page(@Res() reply: FastifyReply): Promise<void> {
    this.requireServed();
    await reply
      .type('text/html; charset=utf-8')
      .header('content-security-policy', CONTENT_SECURITY_POLICY)
      .header('referrer-policy', 'no-referrer')
      .send(GRAPHIQL_HTML);
  }

  @Get(':asset')
  @Everybody()
  async asset(@Param('asset') name: string, @Res() reply: FastifyReply): Promise<void> {
    this.requireServed();
    const asset = Object.hasOwn(ASSETS, name) ? ASSETS[name] : undefined;
    if (!asset) throw new DaemonError('NOT_FOUND', 'there is nothing at this address');
    await reply
      .type(asset.type)
      .header('cache-control', 'private, max-age=3600')
      .send(await asset.read());
  }

  private requireServed(): void {
    if (!this.served) throw new DaemonError('NOT_FOUND', 'there is nothing at this address');
  }
}
