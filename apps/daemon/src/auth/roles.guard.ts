import {
  type CanActivate,
  type ExecutionContext,
  Injectable,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { DiscoveryService, MetadataScanner, Reflector } from '@nestjs/core';
import { PATH_METADATA } from '@nestjs/common/constants.js';
import { invariant } from '@app/errors';
import type { FastifyRequest } from 'fastify';
import { requireRole } from './access-of.js';
import { EVERYBODY, type RoleDeclaration, ROLES_KEY } from './roles.decorator.js';

type NamedFunction = ReturnType<ExecutionContext['getHandler']>;

/** Keeps every REST route to the roles it declares. GraphQL fields are kept by graphql/field-access.ts. */
@Injectable()
export class RolesGuard implements CanActivate, OnApplicationBootstrap {
  constructor(
    private readonly reflector: Reflector,
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
  ) {}

  canActivate(context: ExecutionContext): boolean {
    if (context.getType<string>() === 'graphql') return true;
    const declared = this.declarationOf(context.getHandler());
    if (declared === EVERYBODY) return true;
    const request = context.switchToHttp().getRequest<FastifyRequest>();
    requireRole(request.access, declared);
    return true;
  }

  /** A route without a declaration is a bug: found when the daemon starts, not when it is called. */
  onApplicationBootstrap(): void {
    for (const { instance } of this.discovery.getControllers()) {
      const prototype = Object.getPrototypeOf(instance) as Record<string, unknown>;
      for (const name of this.scanner.getAllMethodNames(prototype)) {
        const handler = prototype[name] as NamedFunction;
        if (Reflect.hasMetadata(PATH_METADATA, handler)) this.declarationOf(handler);
      }
    }
  }

  private declarationOf(handler: NamedFunction): RoleDeclaration {
    const declared = this.reflector.get<RoleDeclaration | undefined>(ROLES_KEY, handler);
    invariant(declared, `the route ${handler.name} declares who may use it`);
    return declared;
  }
}
