// What the Ledger page asks beside the ledger itself.

import { useMutation, useQuery, type UseQueryResult } from '@tanstack/react-query';
import { call, get, Problem, type Proof } from '../api/client';
import { client } from '../api/queries';
import type { Page } from '../api/types';
import type { Backups, Disk, Keys, Witness } from './types';
import type { Look } from '../phi/types';
import { useMay } from '../may';

/** Not looked at yet: the program has just started. */
export const early = (query: UseQueryResult<unknown>) => query.error instanceof Problem && query.error.code === 'not-measured';

const MINUTE = 60_000;

/** Nobody: an empty list, as for whoever may not see them. */
export function useWitnesses(): UseQueryResult<Witness[]> {
    const reads = useMay('ledger.read');
    return useQuery({
        queryKey: ['witnesses'],
        queryFn: ({ signal }) => get<{ items: Witness[] }>('/witnesses', signal),
        select: (w) => w.items,
        enabled: reads,
        refetchInterval: (q) => (q.state.data?.items.some((w) => w.asking) ? 1000 : MINUTE),
    });
}

export const useAskWitness = () =>
    useMutation({
        mutationFn: (name: string) => call<{ started: boolean }>('POST', `/witnesses/${encodeURIComponent(name)}/ask`, { body: {} }),
        onSettled: () => void client.invalidateQueries({ queryKey: ['witnesses'] }),
    });

export const useBringCosignature = () =>
    useMutation({
        mutationFn: (body: { note: string; key?: string }) => call<{ name: string; records: number }>('POST', '/ledger/cosignature', { body }),
        onSettled: () => {
            for (const key of ['witnesses', 'ledger', 'records']) {
                void client.invalidateQueries({ queryKey: [key] });
            }
        },
    });

/** A proof, checked by the program: where the browser cannot. */
export const checkThere = (proof: string) =>
    call<{ holds: boolean; index: number | null; records: number | null; why: string | null }>('POST', '/ledger/check', { body: { proof } });

/** The head, with the proof that it goes on from `old` records. */
export async function offerFrom(old: bigint): Promise<string> {
    const answer = await fetch(`/api/v1/ledger/offer?old=${old}`, { cache: 'no-store', credentials: 'same-origin' });
    if (!answer.ok) {
        throw new Problem(answer.status, String(answer.status), '');
    }
    return answer.text();
}

export const useKeys = () =>
    useQuery({ queryKey: ['keys'], queryFn: ({ signal }) => get<Keys>('/keys', signal), enabled: useMay('keys.read'), refetchInterval: MINUTE });

/** From now on other keys seal the record; what was recorded stays readable. */
export const useRotate = () =>
    useMutation({
        mutationFn: ({ why, proof }: { why: string; proof: Proof }) => call<unknown>('POST', '/keys/rotate', { body: { why }, proof }),
        onSettled: () => {
            for (const key of ['keys', 'records']) {
                void client.invalidateQueries({ queryKey: [key] });
            }
        },
    });

export const useBackups = () =>
    useQuery({
        queryKey: ['backups'],
        queryFn: ({ signal }) => get<Backups>('/backups', signal),
        enabled: useMay('backup.read'),
        refetchInterval: (q) => (q.state.data?.doing ? 2000 : MINUTE),
    });

export const useBackup = () =>
    useMutation({
        mutationFn: (test: string | null) => call<unknown>('POST', test === null ? '/backups' : `/backups/${encodeURIComponent(test)}/test`, { body: {} }),
        onSettled: () => {
            for (const key of ['backups', 'tasks']) {
                void client.invalidateQueries({ queryKey: [key] });
            }
        },
    });

export const useDisk = () =>
    useQuery({ queryKey: ['disk'], queryFn: ({ signal }) => get<Disk>('/disk', signal), enabled: useMay('backup.read'), refetchInterval: MINUTE });

export const useLastLooks = () =>
    useQuery({ queryKey: ['looks', 'last'], queryFn: ({ signal }) => get<Page<Look>>('/looks?limit=5', signal), enabled: useMay('looks.read'), refetchInterval: MINUTE });
