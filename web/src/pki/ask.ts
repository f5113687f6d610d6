// What the Certificates page asks.

import { useMutation, useQuery } from '@tanstack/react-query';
import { call, get, type Proof } from '../api/client';
import { client } from '../api/queries';
import type { Certificate, Certificates } from './types';
import { useMay } from '../may';

export const useCertificates = () =>
    useQuery({
        queryKey: ['certificates'],
        queryFn: ({ signal }) => get<Certificates>('/certificates', signal),
        enabled: useMay('certificate.read'),
        refetchInterval: 60_000,
    });

const settled = () => {
    for (const key of ['certificates', 'links', 'records', 'findings', 'today']) {
        void client.invalidateQueries({ queryKey: [key] });
    }
};

export interface Enrolment {
    link?: string;
    side?: string;
    device?: string;
    names: string;
    why: string;
    proof: Proof;
}
export const useEnrol = () =>
    useMutation({ mutationFn: ({ proof, ...body }: Enrolment) => call<{ id: string; code: string; until: string; known: boolean }>('POST', '/enrolments', { body, proof }), onSettled: settled, gcTime: 0 });

export const useWithdraw = () =>
    useMutation({ mutationFn: (id: string) => call<void>('DELETE', `/enrolments/${encodeURIComponent(id)}`), onSettled: settled });

/** The certificate for a request, with its authority's. */
export const useHandIn = () =>
    useMutation({
        mutationFn: ({ code, request }: { code: string; request: string }) => call<Blob>('POST', `/enrolments/${encodeURIComponent(code)}`, { body: { request }, blob: true }),
        onSettled: settled,
    });

export const useRevoke = () =>
    useMutation({
        mutationFn: ({ serial, proof, ...body }: { serial: string; why: string; proof: Proof }) => call<Certificate>('POST', `/certificates/${encodeURIComponent(serial)}/revoke`, { body, proof }),
        onSettled: settled,
    });

export const useReplace = () =>
    useMutation({
        mutationFn: ({ serial, why }: { serial: string; why: string }) => call<Certificate>('POST', `/certificates/${encodeURIComponent(serial)}/rotate`, { body: { why } }),
        onSettled: settled,
    });

export async function pem(path: string): Promise<Blob> {
    return call<Blob>('GET', path, { blob: true });
}


/** A key of our own for one end of a link, and the request for its certificate: another authority makes that. */
export const useRequest = () =>
    useMutation({
        mutationFn: (body: { link: string; side: string; names?: string }) => call<Blob>('POST', '/certificate-requests', { body, blob: true }),
        onSettled: settled,
    });

export const useInstall = () =>
    useMutation({
        mutationFn: ({ proof, ...body }: { link: string; side: string; certificate: string; why: string; proof: Proof }) => call<Certificate>('POST', '/certificates', { body, proof }),
        onSettled: settled,
    });

/** One step from an authority to the next one. */
export const useSucceed = () =>
    useMutation({
        mutationFn: ({ proof, ...body }: { step: 'next' | 'switch' | 'drop'; why: string; proof: Proof }) => call<unknown>('POST', '/pki/authority', { body, proof }),
        onSettled: settled,
    });
