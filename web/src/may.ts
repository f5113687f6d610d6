// What whoever is signed in may do, as the program says it with the session: the page hides what would be refused. The program checks every request itself.

import { useSession } from './api/queries';

export function useMay(permission: string): boolean {
    return useSession().data?.person.permissions.includes(permission) ?? false;
}
