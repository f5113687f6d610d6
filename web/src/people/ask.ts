// What the pages about people ask.

import { keepPreviousData, useMutation, useQuery } from '@tanstack/react-query';
import { call, get, query, rememberCsrf, type Proof } from '../api/client';
import { client } from '../api/queries';
import type { Page, Session } from '../api/types';
import type { AccessPolicy, Account, AccountDetail, Act, ApiToken, Invitation, OpenSession, PeopleImport, RoleTable, Why } from './types';
import { useMay } from '../may';

const settled = () => {
    for (const key of ['people', 'sessions', 'tokens', 'acts', 'records', 'policy', 'findings', 'today']) {
        void client.invalidateQueries({ queryKey: [key] });
    }
};
// A name has no character that an address could misread; "@" stays as it is.
const at = (name: string, act = '') => `/people/${encodeURIComponent(name).replaceAll('%40', '@')}${act}`;

export const usePeople = (filter: { q: string; state: string; cursor: string }) =>
    useQuery({ queryKey: ['people', filter], queryFn: ({ signal }) => get<Page<Account>>(`/people${query({ ...filter })}`, signal), placeholderData: keepPreviousData });

export const usePerson = (name: string) => useQuery({ queryKey: ['people', 'one', name], queryFn: ({ signal }) => get<AccountDetail>(at(name), signal) });

export const useRoles = () => useQuery({ queryKey: ['roles'], queryFn: ({ signal }) => get<RoleTable>('/roles', signal), staleTime: Infinity });

export const useSessions = (account: string) =>
    useQuery({
        queryKey: ['sessions', account],
        queryFn: async ({ signal }) => (await get<{ items: OpenSession[] }>(`/sessions${query({ account })}`, signal)).items,
        refetchInterval: 60_000,
    });

export const useTokens = (account: string) =>
    useQuery({ queryKey: ['tokens', account], queryFn: async ({ signal }) => (await get<{ items: ApiToken[] }>(`/tokens${query({ account })}`, signal)).items });

export const useActs = (filter: { person: string; event: string; q: string; cursor: string; limit?: string; permission?: string; since?: string; until?: string; device?: string }) =>
    useQuery({ queryKey: ['acts', filter], queryFn: ({ signal }) => get<Page<Act>>(`/acts${query({ ...filter })}`, signal), placeholderData: keepPreviousData });

export const useWhy = (name: string, ask: { permission?: string; record?: string }) =>
    useQuery({ queryKey: ['people', 'why', name, ask], enabled: useMay('people.read') && name !== '', queryFn: ({ signal }) => get<Why>(at(name, `/why${query(ask)}`), signal) });

/** Why could whoever made this record? */
export const useActWhy = (record: number, enabled: boolean) =>
    useQuery({ queryKey: ['acts', 'why', record], enabled, queryFn: ({ signal }) => get<Why>(`/acts/${record}/why`, signal), retry: false });

export const usePolicy = () => useQuery({ queryKey: ['policy'], queryFn: ({ signal }) => get<AccessPolicy>('/access-policy', signal) });

export type Fields = Record<string, string | boolean | undefined>;
/** What is asked for, and that it is still the same person who asks. */
export interface Asked {
    body: Fields;
    proof: Proof;
}

/** A change of one account: grant, withdraw, close. */
export const useChange = (name: string, act: 'grant' | 'withdraw' | 'close') =>
    useMutation({ mutationFn: (asked: Asked) => call<AccountDetail>('POST', at(name, `/${act}`), { ...asked }), onSettled: settled, gcTime: 0 });

/** What ends in a one-time code: a new account, one opened again, a password that counts no more, the envelope. */
export const useCode = (path: string) =>
    useMutation({ mutationFn: (asked: Asked) => call<Invitation>('POST', path, { ...asked }), onSettled: settled, gcTime: 0 });
export const codePath = at;

export const useRename = (name: string) =>
    useMutation({
        mutationFn: ({ display_name, etag }: { display_name: string; etag: number }) => call<AccountDetail>('PATCH', at(name), { body: { display_name }, etag: String(etag) }),
        onSettled: settled,
    });

export const useReview = () =>
    useMutation({
        mutationFn: (people: Account[]) => call<{ record: number }>('POST', '/access-review', { body: { people: people.map((p) => `${p.name}:${p.etag}`).join(',') } }),
        onSettled: settled,
    });

export const useSetPolicy = () => useMutation({ mutationFn: (asked: Asked) => call<AccessPolicy>('PUT', '/access-policy', { ...asked }), onSettled: settled, gcTime: 0 });

export const useEndSession = (id: string) =>
    useMutation({ mutationFn: (asked: Asked) => call<void>('POST', `/sessions/${encodeURIComponent(id)}/end`, { ...asked }), onSettled: settled, gcTime: 0 });

export const useMakeToken = () =>
    useMutation({ mutationFn: (asked: Asked) => call<ApiToken & { token: string }>('POST', '/tokens', { ...asked }), onSettled: settled, gcTime: 0 });

export const useRevokeToken = () => useMutation({ mutationFn: (id: string) => call<void>('DELETE', `/tokens/${encodeURIComponent(id)}`), onSettled: settled });

export const useOwnPassword = () =>
    useMutation({
        mutationFn: (asked: Asked) => call<Session>('POST', '/session/password', { ...asked }),
        onSuccess: (session) => {
            rememberCsrf(session.csrf);
            client.setQueryData(['session'], session);
        },
        onSettled: settled,
        gcTime: 0,
    });

export const useImportPeople = () => useMutation({ mutationFn: (asked: { body: Fields; proof?: Proof }) => call<PeopleImport>('POST', '/people/import', { ...asked }), onSettled: settled, gcTime: 0 });
