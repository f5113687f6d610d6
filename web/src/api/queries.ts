// Every question the page asks, with its key. A notice of the stream names a topic; the topic names the keys that may have changed.

import { QueryCache, QueryClient, useMutation, useQuery, useQueryClient, keepPreviousData } from '@tanstack/react-query';
import { useCallback, useEffect } from 'react';
import { beginFirst } from '../parts/first';
import { liveIn } from '../time';
import { call, get, Problem, query, rememberCsrf } from './client';
import { seenAs, setPreview, usePreview, type Preview } from './preview';
import { listen } from './stream';
import type { Capture, Finding, FindingDetail, FindingMail, Notice, Page, Session, Today } from './types';
import type { Result, ResultSummary, ResultWay } from '../custody/types';
import type { Device, DeviceDetail, ImportPreview, Learnt } from '../device/types';
import type { Course, CourseSummary } from '../learn/types';
import type { Ledger, LedgerRecord, Lock } from '../ledger/types';
import type { RelayLink } from '../links/types';
import type { Look } from '../phi/types';
import type { Network } from '../picture/types';
import type { NewPasskeyWish, PasskeyWish } from '../sign/types';

export const client = new QueryClient({
    queryCache: new QueryCache({
        // A session that ended elsewhere (time, restart, another tab) leads back to the sign-in page.
        onError: (error) => {
            if (error instanceof Problem && error.code === 'locked') {
                void client.invalidateQueries({ queryKey: ['lock'] });
            }
            if (error instanceof Problem && error.status === 401 && client.getQueryData(['session']) !== null) {
                left();
            }
        },
    }),
    defaultOptions: {
        queries: {
            staleTime: 10_000,
            retry: (count, error) => count < 2 && error instanceof Problem && error.status >= 500,
            refetchOnWindowFocus: true,
            refetchOnReconnect: true,
            networkMode: 'always',
        },
        mutations: { networkMode: 'always' },
    },
});

const TOPICS: Record<string, string[]> = {
    devices: ['devices', 'device', 'today'],
    results: ['results', 'today'],
    findings: ['findings', 'finding', 'finding-mail', 'today', 'devices', 'device'],
    ledger: ['ledger', 'records', 'today', 'witnesses'],
    sensor: ['sensor', 'today'],
    today: ['today'],
    looks: ['looks'],
    certificates: ['certificates'],
    links: ['links'],
    people: ['people', 'sessions', 'tokens', 'session', 'policy'],
    acts: ['acts'],
    reports: ['reports', 'today'],
    doors: ['doors'],
    training: ['training', 'mine'],
    mail: ['mail', 'today'],
};
const PAUSE_MS = 1000;

/** Turns notices into refreshed data: at most one round a second, however many events there are. */
export function useStream() {
    const queries = useQueryClient();
    useEffect(() => {
        const waiting = new Set<string>();
        let timer: ReturnType<typeof setTimeout> | undefined;
        const flush = () => {
            timer = undefined;
            for (const key of waiting) {
                void queries.invalidateQueries({ queryKey: [key] });
            }
            waiting.clear();
        };
        const stop = listen((notice: Notice) => {
            for (const key of TOPICS[notice.topic] ?? Object.values(TOPICS).flat()) {
                waiting.add(key);
            }
            timer ??= setTimeout(flush, PAUSE_MS);
        });
        return () => {
            stop();
            clearTimeout(timer);
        };
    }, [queries]);
}

/** Whether the ledger waits for its passphrase. While it does, it is asked again and again: somebody else may unlock it. */
export const useLock = () =>
    useQuery({
        queryKey: ['lock'],
        queryFn: ({ signal }) => get<Lock>('/unlock', signal),
        staleTime: Infinity,
        refetchInterval: ({ state }) => (state.data !== undefined && state.data.stage !== 'open' ? 3000 : false),
    });

export const useUnlock = () =>
    useMutation({
        mutationFn: ({ passphrase, csrf }: { passphrase: string; csrf: string }) => {
            rememberCsrf(csrf);
            return call<Lock>('POST', '/unlock', { body: { passphrase } });
        },
        onSettled: () => client.invalidateQueries({ queryKey: ['lock'] }),
    });

export const useSetupNeeded = (enabled: boolean) =>
    useQuery({ queryKey: ['setup'], enabled, queryFn: ({ signal }) => get<{ needed: boolean }>('/setup', signal), staleTime: Infinity });

/** The session, or null when nobody is signed in. */
export function useSession(enabled = true) {
    const as = usePreview();
    return useQuery({
        queryKey: ['session'],
        enabled,
        queryFn: async ({ signal }): Promise<Session | null> => {
            try {
                const session = await get<Session>('/session', signal);
                rememberCsrf(session.csrf);
                liveIn(session.time_zone);
                return session;
            } catch (error) {
                if (error instanceof Problem && error.status === 401) {
                    return null;
                }
                throw error;
            }
        },
        staleTime: 60_000,
        select: useCallback((session: Session | null) => seenAs(session, as), [as]),
    });
}

function enter(session: Session) {
    rememberCsrf(session.csrf);
    liveIn(session.time_zone);
    client.setQueryData(['session'], session);
    client.setQueryData(['setup'], { needed: false });
}

export const useSignIn = () =>
    useMutation({
        mutationFn: (who: { name: string; password: string; code?: string; new_password?: string }) => call<Session>('POST', '/session', { body: who }),
        onSuccess: enter,
    });

export const usePasskeySignIn = () =>
    useMutation({
        mutationFn: async (name: string) => {
            const { answerSignIn } = await import('../sign/passkey');
            const wish = await call<PasskeyWish>('POST', '/session/passkey/options', { body: name === '' ? {} : { name } });
            return call<Session>('POST', '/session/passkey', { body: await answerSignIn(wish) });
        },
        onSuccess: enter,
    });

/** With a recovery's code: a new passkey (named), or a new password. */
export const useRecover = () =>
    useMutation({
        mutationFn: async ({ name, code, password, label }: { name: string; code: string; password?: string; label?: string }) => {
            if (password !== undefined) {
                return call<Session>('POST', '/recovery', { body: { name, code, password } });
            }
            const { make } = await import('../sign/passkey');
            const made = await make(await call<NewPasskeyWish>('POST', '/recovery/options', { body: { name, code } }));
            return call<Session>('POST', '/recovery', { body: { name, code, label, ...made } });
        },
        onSuccess: enter,
    });

/** The one-time code that a manager gave, and a password of one's own. */
export const useTakeUp = () =>
    useMutation({
        mutationFn: (who: { name: string; code: string; password: string }) => call<Session>('POST', '/invitation', { body: who }),
        onSuccess: enter,
    });

export const useSetUp = () =>
    useMutation({
        mutationFn: (who: { code: string; name: string; display_name: string; password: string }) =>
            call<Session>('POST', '/setup', { body: who }),
        onSuccess: async (session) => {
            beginFirst(); // here, and not where the form is: that is gone once somebody is signed in
            window.history.replaceState(null, '', '/first-steps');
            if (session && 'csrf' in session) {
                enter(session);
            }
            await client.invalidateQueries({ queryKey: ['session'] });
            client.setQueryData(['setup'], { needed: false });
        },
    });

/** What was shown is forgotten. */
const forget = () => client.removeQueries({ predicate: (q) => !['session', 'setup', 'lock'].includes(String(q.queryKey[0])) });

/** The page as another role sees it, with nothing of what was on it before; null: as it is. */
export function lookAs(to: Preview | null) {
    setPreview(to);
    forget();
}

/** Nobody is signed in any more: the address stays. */
function left() {
    setPreview(null);
    client.setQueryData(['session'], null);
    client.setQueryData(['setup'], { needed: false });
    forget();
}

/** True when the session has ended. A session that the program was not told to end still stands. */
export async function signOut(): Promise<boolean> {
    try {
        await call<void>('DELETE', '/session');
    } catch (error) {
        if (!(error instanceof Problem && error.status === 401)) {
            return false;
        }
    }
    left();
    return true;
}

/** Courses change with the program or its configuration only. */
export const useCourses = () =>
    useQuery({ queryKey: ['courses'], queryFn: async ({ signal }) => (await get<{ items: CourseSummary[] }>('/courses', signal)).items, staleTime: Infinity });

export const useCourse = (id: string) =>
    useQuery({ queryKey: ['course', id], queryFn: ({ signal }) => get<Course>(`/courses/${encodeURIComponent(id)}`, signal), staleTime: Infinity });

export const useToday = (enabled = true) => useQuery({ enabled, queryKey: ['today'], queryFn: ({ signal }) => get<Today>('/today', signal) });

export interface DeviceFilter {
    q: string;
    role: string;
    zone: string;
    criticality: string;
    sort: string;
    cursor: string;
}
export const useDevices = (filter: DeviceFilter) =>
    useQuery({
        queryKey: ['devices', filter],
        queryFn: ({ signal }) => get<Page<Device>>(`/devices${query({ ...filter })}`, signal),
        placeholderData: keepPreviousData,
    });

export const useDevice = (id: string) =>
    useQuery({ queryKey: ['device', id], queryFn: ({ signal }) => get<DeviceDetail>(`/devices/${encodeURIComponent(id)}`, signal) });

export interface NetworkFilter {
    zone: string;
    since: string;
    open: string;
    at: string;
}
/** Asked again by the clock: every conversation changes the network, and nobody reads faster. */
export const useNetwork = (filter: NetworkFilter, when = true) =>
    useQuery({
        queryKey: ['network', filter],
        queryFn: ({ signal }) => get<Network>(`/network${query({ ...filter })}`, signal),
        placeholderData: keepPreviousData,
        refetchInterval: 15_000,
        enabled: when,
    });

export const useZones = () =>
    useQuery({
        queryKey: ['zones'],
        queryFn: ({ signal }) => get<Network>('/network', signal),
        select: (n) => n.zones,
        staleTime: 300_000,
    });

export const useSensor = () =>
    useQuery({ queryKey: ['sensor'], queryFn: ({ signal }) => get<{ captures: Capture[] }>('/sensor', signal), select: (s) => s.captures });

/** Each result once, where it was seen first. */
export const useResults = (filter: { q: string; sender: string; verdict: string; cursor: string }) =>
    useQuery({
        queryKey: ['results', filter],
        queryFn: ({ signal }) => get<Page<Result>>(`/results${query({ ...filter, seen: 'first' })}`, signal),
        placeholderData: keepPreviousData,
    });

/** Their numbers move without a notice: asked every five seconds while somebody looks. */
export const useLinks = ({ enabled = true, watched = true } = {}) =>
    useQuery({
        enabled,
        queryKey: ['links'],
        queryFn: async ({ signal }) => (await get<{ items: RelayLink[] }>('/links', signal)).items,
        refetchInterval: watched ? 5000 : false,
    });

export const useResultSummary = () => useQuery({ queryKey: ['results', 'summary'], queryFn: ({ signal }) => get<ResultSummary>('/results/summary', signal) });

export const useResult = (record: string) =>
    useQuery({ queryKey: ['results', 'one', record], queryFn: ({ signal }) => get<ResultWay>(`/results/${encodeURIComponent(record)}`, signal) });

export const useFindingMail = () => useQuery({ queryKey: ['finding-mail'], queryFn: ({ signal }) => get<FindingMail>('/finding-mail', signal) });

export const useTestFindingMail = () => useMutation({ mutationFn: () => call<FindingMail>('POST', '/finding-mail/test', { body: {} }) });

export interface FindingFilter {
    state: string;
    severity: string;
    kind: string;
    cursor: string;
}

/** Everything that matches, worst first, but no more than `most`. */
export async function allFindings(filter: FindingFilter, most: number): Promise<Finding[]> {
    const all: Finding[] = [];
    for (let cursor: string | null = ''; cursor !== null && all.length < most; ) {
        const page: Page<Finding> = await get<Page<Finding>>(`/findings${query({ ...filter, cursor, limit: Math.min(200, most - all.length) })}`);
        all.push(...page.items);
        cursor = page.next;
    }
    return all;
}

export const useFindings = (filter: FindingFilter) =>
    useQuery({
        queryKey: ['findings', filter],
        queryFn: ({ signal }) => get<Page<Finding>>(`/findings${query({ ...filter })}`, signal),
        placeholderData: keepPreviousData,
    });

export const useFinding = (id: string) =>
    useQuery({ queryKey: ['finding', id], queryFn: ({ signal }) => get<FindingDetail>(`/findings/${encodeURIComponent(id)}`, signal) });

export const useLedger = () =>
    useQuery({
        queryKey: ['ledger'],
        queryFn: ({ signal }) => get<Ledger>('/ledger', signal),
        refetchInterval: (q) => (q.state.data?.verifying ? 1000 : false),
    });

/** from: the number of the first record to show; '': the newest. */
export const useRecords = (cursor: string, from: string) =>
    useQuery({
        queryKey: ['records', cursor, from],
        queryFn: ({ signal }) => get<Page<LedgerRecord>>(`/ledger/records${query({ cursor, from, limit: 50 })}`, signal),
        placeholderData: keepPreviousData,
    });

export const useLooks = (filter: { person: string; record: string; cursor: string }) =>
    useQuery({
        queryKey: ['looks', filter],
        queryFn: ({ signal }) => get<Page<Look>>(`/looks${query({ ...filter })}`, signal),
        placeholderData: keepPreviousData,
    });

export type Decision = 'take' | 'release' | 'dismiss' | 'reopen';

export const decide = (id: string, { act, etag, why }: { act: Decision; etag: string; why?: string }) =>
    call<Finding>('POST', `/findings/${encodeURIComponent(id)}/${act}`, { etag, body: why === undefined ? {} : { why } });

export function decided() {
    for (const key of ['finding', 'findings', 'today', 'devices', 'device', 'records']) {
        void client.invalidateQueries({ queryKey: [key] });
    }
}

export const useDecide = (id: string) =>
    useMutation({
        mutationFn: (wish: { act: Decision; etag: string; why?: string }) => decide(id, wish),
        onSuccess: (finding) => {
            client.setQueryData<FindingDetail>(['finding', id], (old) => (old ? { ...old, ...finding } : old));
        },
        onSettled: decided,
    });

/** What a person says of a device; null takes it back. */
export type Edit = Record<string, string | null>;

function deviceChanged(id: string, device: DeviceDetail) {
    client.setQueryData<DeviceDetail>(['device', id], device);
}
export function deviceSettled() {
    for (const key of ['device', 'devices', 'network', 'zones', 'findings', 'today', 'records']) {
        void client.invalidateQueries({ queryKey: [key] });
    }
}

export const useEditDevice = (id: string) =>
    useMutation({
        mutationFn: ({ edit, etag }: { edit: Edit; etag: string }) => call<DeviceDetail>('PATCH', `/devices/${encodeURIComponent(id)}`, { etag, body: edit }),
        onSuccess: (device) => deviceChanged(id, device),
        onSettled: deviceSettled,
    });

export type Vouching = 'vouch' | 'refuse' | 'withdraw';

export const useAdmit = (id: string) =>
    useMutation({
        mutationFn: ({ decision, why, etag }: { decision: Vouching; why: string; etag: string }) => call<DeviceDetail>('POST', `/devices/${encodeURIComponent(id)}/admission`, { etag, body: { decision, why } }),
        onSuccess: (device) => deviceChanged(id, device),
        onSettled: () => {
            deviceSettled();
            void client.invalidateQueries({ queryKey: ['certificates'] });
        },
    });

/** Without a token what would be vouched for; with it, it is done. */
export const useLearnt = () =>
    useMutation({
        mutationFn: (body: { token?: string; why?: string; except?: string }) => call<Learnt>('POST', '/devices/admission', { body }),
        onSettled: (_, __, { token }) => {
            if (token !== undefined) {
                deviceSettled();
            }
        },
    });

/** join: the other is this one; distinct: it is not; split: the part at this address is another device. */
export const useRelateDevice = (id: string) =>
    useMutation({
        mutationFn: ({ act, etag, ...body }: { act: 'join' | 'distinct' | 'split'; etag: string; other?: string; address?: string }) =>
            call<DeviceDetail>('POST', `/devices/${encodeURIComponent(id)}/${act}`, { etag, body }),
        onSuccess: (device) => deviceChanged(id, device),
        onSettled: deviceSettled,
    });

const list = (file: Blob) => ({ type: 'text/csv', content: file });

export const useImportPreview = () => useMutation({ mutationFn: (file: Blob) => call<ImportPreview>('POST', '/devices/import', { file: list(file) }) });

export const useImport = () =>
    useMutation({
        mutationFn: ({ token, file }: { token: string; file: Blob }) =>
            call<{ counts: ImportPreview['counts']; saved: number; list: number | null }>('POST', `/devices/import/${encodeURIComponent(token)}`, { file: list(file) }),
        onSettled: deviceSettled,
    });

export const useVerify = () =>
    useMutation({
        mutationFn: () => call<{ started: boolean }>('POST', '/ledger/verify', { body: {} }),
        onSuccess: () => void client.invalidateQueries({ queryKey: ['tasks'] }),
        onSettled: () => void client.invalidateQueries({ queryKey: ['ledger'] }),
    });
