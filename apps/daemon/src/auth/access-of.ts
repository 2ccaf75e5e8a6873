/**
 * Who is calling: worked out once per request, decided on per field and route. A bad token is kept rather than
 * answered at once, so that public routes stay reachable and GraphQL can say it in its own form.
 */
import { AccessError, type AccessPolicy, type Principal, type Role } from '@app/access';

/** What a request's `Authorization` header amounts to: a principal, or why there is none. */
export type Access = { readonly principal: Principal } | { readonly refusal: AccessError };

const BEARER = /^Bearer +([A-Za-z0-9._~+/=-]+)$/i;

export async function accessOf(policy: AccessPolicy, header: string | undefined, now: Date): Promise<Access> {
  if (header === undefined) {
    return {
      refusal: new AccessError(
        'AUTH_TOKEN_MISSING',
        'this needs a bearer token: `Authorization: Bearer <token>`',
      ),
    };
  }
  const token = BEARER.exec(header)?.[1];
  if (!token) {
    return { refusal: new AccessError('AUTH_TOKEN_INVALID', 'the Authorization header is no bearer token') };
  }
  try {
    return { principal: await policy.verify(token, now) };
  } catch (error) {
    if (error instanceof AccessError) return { refusal: error };
    throw error;
  }
}

/**
 * The caller, when one of `roles` is theirs.
 * @throws AccessError the reason there is no caller, or `AUTH_ROLE_MISSING`
 */
export function requireRole(access: Access, roles: readonly Role[]): Principal {
  if ('refusal' in access) throw access.refusal;
  const { principal } = access;
  if (roles.some((role) => principal.roles.has(role))) return principal;
  throw new AccessError('AUTH_ROLE_MISSING', `this needs the role ${roles.join(' or ')}`, {
    details: { needed: roles.join(' ') },
  });
}
