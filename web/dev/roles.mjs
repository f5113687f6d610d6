// Which role may do what: read from the program's own table (src/lab/people/job.c), so that there is no second one.

import { readFileSync } from 'node:fs';

const source = readFileSync(new URL('../../src/lab/people/job.c', import.meta.url), 'utf8');
export const ROLES = [...source.matchAll(/\[JOB_[A-Z]+\] = \{"([^"]+)"/g)].map((m) => m[1]);
export const PERMISSIONS = [...source.matchAll(/^ {4}\{"([a-z]+\.[a-z]+)",\s+"(\S+)",\s+(TOKEN|NO_TOKEN), "([^"]+)"/gm)].map(([, name, who, token, what]) => ({
    name,
    what,
    token: token === 'TOKEN',
    roles: ROLES.filter((_, i) => who[i] !== '.'),
}));

/** Somebody with these roles, as the session tells it. */
export const personOf = (name, display_name, roles) => ({
    name,
    display_name,
    role: roles[0] ?? '',
    roles,
    permissions: PERMISSIONS.filter((p) => p.roles.some((r) => roles.includes(r))).map((p) => p.name),
});
