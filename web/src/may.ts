// What a role may do, as the program decides it (src/lab/people/schema): the page hides what would be refused. The program checks every request itself.

import { useSession } from './api/queries';

const READ = ['today.read', 'device.read', 'finding.read'];
const ALL = [...READ, 'device.name', 'device.edit', 'device.import', 'result.read', 'finding.decide', 'ledger.read', 'ledger.verify', 'ledger.witness', 'keys.read', 'backup.read', 'backup.manage', 'certificate.read', 'certificate.manage', 'links.read', 'links.bypass', 'links.manage'];
const ROLES: Record<string, string[]> = {
    'local administrator': [...ALL, 'keys.manage', 'phi.look', 'looks.read'],
    'lab manager': [...ALL, 'phi.look', 'looks.read'],
    IT: ALL,
    auditor: [...READ, 'ledger.read', 'ledger.verify', 'looks.read', 'keys.read', 'backup.read', 'certificate.read', 'links.read'],
    technologist: [...READ, 'result.read', 'phi.look'],
    'privacy officer': [...READ, 'result.read', 'ledger.read', 'ledger.verify', 'looks.read', 'keys.read', 'keys.manage'],
};

export const may = (role: string, permission: string) => (ROLES[role] ?? READ).includes(permission);

export function useMay(permission: string): boolean {
    const role = useSession().data?.person.role;
    return role !== undefined && may(role, permission);
}
