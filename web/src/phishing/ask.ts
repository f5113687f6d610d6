// What the pages about phishing simulations and the culture view ask.

import { useMutation, useQuery } from '@tanstack/react-query';
import { call, get } from '../api/client';
import { client } from '../api/queries';

export interface Counts {
    sent: number;
    failed: number;
    /** False: fewer than five people; the rest is not told. */
    shown: boolean;
    reported?: number;
    visited?: number;
    both?: number;
    neither?: number;
}

export interface Simulation extends Counts {
    id: string;
    template: string;
    language: string;
    roles: string[];
    site: string | null;
    starts: string;
    until: string;
    rate: number;
    course: string;
    by: string;
    planned: string;
    state: 'planned' | 'running' | 'over' | 'stopped';
    stopped: string | null;
    stopped_by: string | null;
    stopped_why: string | null;
    record: number;
}

interface Groups {
    rows: (Counts & { name: string })[];
    hidden: number;
}

export interface SimulationWhole extends Simulation {
    waiting: number;
    unreachable: number;
    by_role: Groups;
    by_site: Groups;
}

export interface Words {
    name: string;
    sender: string;
    subject: string;
    text: string;
    signs: string[];
}

export interface Template {
    id: string;
    course: string;
    sign_in: boolean;
    en: Words;
    es: Words;
}

export interface Simulations {
    ready: { mail: boolean; landing: string | null; domains: string[]; every_days: number; language: 'en' | 'es'; all: boolean };
    templates: Template[];
    items: Simulation[];
}

export interface MyMail {
    campaign: string;
    name: string;
    sender: string;
    subject: string;
    time: string;
    visited: string | null;
    signed_in: boolean;
    reported: string | null;
    course: string;
    signs: string[];
}

export interface Stretch {
    trained: number;
    trained_late: number;
    reports: number;
    reports_answered: number;
    answer_s: number | null;
    simulated: number;
    shown: boolean;
    reported?: number;
    visited?: number;
    mails: number;
    reviews: number;
    findings: number;
}

export interface Culture {
    days: number;
    site: string;
    now: Stretch;
    before: Stretch;
    people: number;
    people_late: number;
    duties: number;
    done: number;
    reports_waiting: number;
    reports_old: number;
    mails_waiting: number;
    mails_old: number;
    accounts: number;
    reviews_due: number;
    tasks: number;
    tasks_untaken: number;
    tasks_urgent: number;
    next: 'findings' | 'reports' | 'mails' | 'assign' | 'training' | 'reviews' | 'simulate' | 'talk' | 'nothing';
    next_n: number;
}

// Under "training", so that the stream's notices reach them.
export const useSimulations = () => useQuery({ queryKey: ['training', 'phishing'], queryFn: ({ signal }) => get<Simulations>('/phishing', signal) });
export const useSimulation = (id: string) => useQuery({ queryKey: ['training', 'phishing', id], queryFn: ({ signal }) => get<SimulationWhole>(`/phishing/${encodeURIComponent(id)}`, signal) });
export const useMyMails = () => useQuery({ queryKey: ['mine', 'phishing'], queryFn: ({ signal }) => get<{ items: MyMail[] }>('/phishing/mine', signal) });
export const useCulture = () => useQuery({ queryKey: ['training', 'culture'], queryFn: ({ signal }) => get<Culture>('/culture', signal) });

const settled = () => void client.invalidateQueries({ queryKey: ['training'] });
export const usePlan = () => useMutation({ mutationFn: (body: Record<string, string>) => call<SimulationWhole>('POST', '/phishing', { body }), onSettled: settled });
export const useStop = (id: string) => useMutation({ mutationFn: (body: { why: string }) => call<SimulationWhole>('POST', `/phishing/${encodeURIComponent(id)}/stop`, { body }), onSettled: settled });
