// What is asked about reports.

import { keepPreviousData, useMutation, useQuery } from '@tanstack/react-query';
import { call, get, query } from '../api/client';
import { client } from '../api/queries';
import type { Page } from '../api/types';
import type { Report, ReportWhole } from './types';

export const useReports = (filter: { state: string; mine: string; cursor: string }) =>
    useQuery({
        queryKey: ['reports', filter],
        queryFn: ({ signal }) => get<Page<Report>>(`/reports${query(filter)}`, signal),
        placeholderData: keepPreviousData,
    });

export const useReport = (id: string) =>
    useQuery({ queryKey: ['reports', 'one', id], queryFn: ({ signal }) => get<ReportWhole>(`/reports/${encodeURIComponent(id)}`, signal) });

export type Step = 'take' | 'release' | 'answer' | 'close';

export const useStep = (id: string) =>
    useMutation({
        mutationFn: ({ step, etag, body = {} }: { step: Step; etag: string; body?: Record<string, string> }) =>
            call<ReportWhole>('POST', `/reports/${encodeURIComponent(id)}/${step}`, { etag, body }),
        onSuccess: (report) => {
            client.setQueryData(['reports', 'one', id], report);
        },
        onSettled: () => {
            for (const key of ['reports', 'today']) {
                void client.invalidateQueries({ queryKey: [key] });
            }
        },
    });
