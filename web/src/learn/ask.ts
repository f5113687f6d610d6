// What the pages about learning ask.

import { keepPreviousData, useMutation, useQuery } from '@tanstack/react-query';
import { i18n } from '@lingui/core';
import { call, get, query, type Proof } from '../api/client';
import { client } from '../api/queries';
import type { Page } from '../api/types';
import type { Attempt, CourseVerdict, MyTraining, PolicyText, TrainingClass, TrainingOne, TrainingOverview, TrainingPerson, TrainingRules, TrainingTopics, VerifiedPaper } from './types';

const settled = () => {
    for (const key of ['training', 'mine', 'acts', 'records']) {
        void client.invalidateQueries({ queryKey: [key] });
    }
};
// A name has no character that an address could misread; "@" stays as it is.
const at = (name: string, act = '') => `/training/people/${encodeURIComponent(name).replaceAll('%40', '@')}${act}`;

/** What is right of a question while one learns: it counts for nothing. */
export const practise = (course: string, question: string, chosen: string) =>
    call<CourseVerdict>('POST', `/courses/${encodeURIComponent(course)}/questions/${encodeURIComponent(question)}`, { body: { chosen } });

export const useMine = () => useQuery({ queryKey: ['mine'], queryFn: ({ signal }) => get<MyTraining>('/training/mine', signal) });

/** The attempt that is open, or a new one. */
export const beginAttempt = (course: string) => call<Attempt>('POST', `/courses/${encodeURIComponent(course)}/attempts`, { body: {} });
export const answerAttempt = (id: string, place: number, chosen: string) => call<Attempt>('POST', `/training/attempts/${id}/answers`, { body: { place: String(place), chosen } });

export const useSign = (path: string, body: Record<string, string>) =>
    useMutation({
        mutationFn: (proof: Proof) => call<{ record: number; statement: string }>('POST', path, { body: { ...body, language: i18n.locale === 'es' ? 'es' : 'en' }, proof }),
        onSettled: settled,
        gcTime: 0,
    });

export const usePolicyText = (id: string) => useQuery({ queryKey: ['mine', 'policy', id], queryFn: ({ signal }) => get<PolicyText>(`/training/policies/${encodeURIComponent(id)}`, signal) });

export interface TrainingFilter {
    q: string;
    course: string;
    role: string;
    state: string;
    cursor: string;
}

export const useTraining = (filter: { course: string; role: string }) =>
    useQuery({ queryKey: ['training', 'whole', filter], queryFn: ({ signal }) => get<TrainingOverview>(`/training${query({ ...filter })}`, signal), placeholderData: keepPreviousData });
export const useTrainingPeople = (filter: TrainingFilter) =>
    useQuery({ queryKey: ['training', 'people', filter], queryFn: ({ signal }) => get<Page<TrainingPerson>>(`/training/people${query({ ...filter, limit: 50 })}`, signal), placeholderData: keepPreviousData });
export const useTrainingOne = (name: string) => useQuery({ queryKey: ['training', 'one', name], queryFn: ({ signal }) => get<TrainingOne>(at(name), signal) });
export const useTrainingRules = () => useQuery({ queryKey: ['training', 'rules'], queryFn: ({ signal }) => get<TrainingRules>('/training/rules', signal) });
export const useClasses = () => useQuery({ queryKey: ['training', 'classes'], queryFn: ({ signal }) => get<Page<TrainingClass>>('/training/classes', signal) });
export const useTopics = (course: string) =>
    useQuery({ queryKey: ['training', 'topics', course], enabled: course !== '', queryFn: ({ signal }) => get<TrainingTopics>(`/training/topics/${encodeURIComponent(course)}`, signal) });

type Body = Record<string, string>;
const useDo = <T>(method: string, path: string) => useMutation({ mutationFn: (body: Body) => call<T>(method, path, { body }), onSettled: settled });
export const useAssign = () => useDo<{ record: number }>('POST', '/training/rules');
export const useUnassign = (rule: number) => useDo<{ record: number }>('POST', `/training/rules/${rule}/end`);
export const useRemind = () => useDo<{ reminded: number }>('POST', '/training/remind');
export const useRecordClass = () => useDo<{ record: number }>('POST', '/training/classes');
export const useRefresh = () => useDo<{ record: number }>('POST', '/training/refreshers');
export const useContact = (name: string) => useDo<{ record: number }>('PUT', at(name, '/contact'));

export const verify = (record: string, code: string) => get<VerifiedPaper>(`/training/verify/${encodeURIComponent(record)}/${encodeURIComponent(code)}`);
