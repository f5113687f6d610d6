// What is asked about mails that somebody was not sure about.

import { i18n } from '@lingui/core';
import { keepPreviousData, useMutation, useQuery } from '@tanstack/react-query';
import { call, get, query, type Proof } from '../api/client';
import { client } from '../api/queries';
import type { Page } from '../api/types';
import type { Indicator, Mail, MailShown, MailWhole } from './types';

const language = () => i18n.locale;

export const useMails = (filter: { state: string; mine: string; cursor: string }) =>
    useQuery({
        queryKey: ['mail', filter, language()],
        queryFn: ({ signal }) => get<Page<Mail>>(`/mail${query({ ...filter, language: language() })}`, signal),
        placeholderData: keepPreviousData,
    });

export const useMail = (id: string) =>
    useQuery({ queryKey: ['mail', 'one', id, language()], queryFn: ({ signal }) => get<MailWhole>(`/mail/${encodeURIComponent(id)}${query({ language: language() })}`, signal) });

export const useIndicators = (cursor: string) =>
    useQuery({ queryKey: ['mail', 'indicators', cursor], queryFn: ({ signal }) => get<Page<Indicator>>(`/indicators${query({ cursor })}`, signal), placeholderData: keepPreviousData });

export const useDecide = (id: string) =>
    useMutation({
        mutationFn: ({ etag, ...body }: { etag: string; verdict: string; answer?: string; alike?: boolean }) =>
            call<MailWhole>('POST', `/mail/${encodeURIComponent(id)}/decide${query({ language: language() })}`, { etag, body }),
        onSuccess: (mail) => {
            client.setQueryData(['mail', 'one', id, language()], mail);
        },
        onSettled: () => client.invalidateQueries({ queryKey: ['mail'] }),
    });

export const lookAt = (id: string, reason: string, proof: Proof) => call<MailShown>('POST', `/mail/${encodeURIComponent(id)}/look`, { body: { reason }, proof });

const TYPE = 'message/rfc822';
const PIECE = 700 << 10;
const MOST = 24 << 20;

/** Has the program read a mail. One that is larger than a request goes in pieces; of a very large one the beginning. */
export async function check(file: File): Promise<Mail> {
    const whole = file.slice(0, MOST);
    let at = 0;
    while (whole.size - at > PIECE) {
        const piece = { type: TYPE, content: whole.slice(at, at + PIECE) };
        const { kept } = await call<{ kept: number }>('POST', `/mail/pieces${query({ at: String(at) })}`, { file: piece });
        at = kept;
    }
    const set = { at: at > 0 ? String(at) : '', cut: file.size > MOST ? 'yes' : '', language: language() };
    const mail = await call<Mail>('POST', `/mail${query(set)}`, { file: { type: TYPE, content: whole.slice(at) } });
    void client.invalidateQueries({ queryKey: ['mail'] });
    return mail;
}
