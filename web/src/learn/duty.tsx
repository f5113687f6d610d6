// A duty's state in words: what is due when. Never how well somebody did.

import { t } from '@lingui/core/macro';
import { Link } from 'wouter';
import { kept } from './kept';
import { nextLesson } from './words';
import type { CourseSummary, Duty, TrainingState } from './types';
import { Mark, type State } from '../parts/mark';
import { dayOf } from '../time';

const SHAPES: Record<TrainingState, State> = { done: 'good', renew: 'low', open: 'info', late: 'medium' };

export function dutyWord(duty: Pick<Duty, 'state' | 'due' | 'done'>): string {
    const due = duty.due === null ? '' : dayOf(duty.due);
    switch (duty.state) {
        case 'late':
            return t`Was due by ${due}`;
        case 'open':
            return t`Due by ${due}`;
        case 'renew':
            return t`Done; again by ${due}`;
        default:
            return duty.due === null ? t`Done` : t`Done; counts until ${due}`;
    }
}

export function trainingStateWord(state: TrainingState): string {
    switch (state) {
        case 'late':
            return t({ message: 'Late', context: 'training' });
        case 'open':
            return t({ message: 'To do', context: 'training' });
        case 'renew':
            return t({ message: 'To be renewed soon', context: 'training' });
        default:
            return t({ message: 'Done', context: 'training' });
    }
}

export function howWord(how: string): string {
    switch (how) {
        case 'classroom':
            return t`in a class`;
        case 'acknowledged':
            return t`read and signed`;
        default:
            return t`questions answered and signed`;
    }
}

export function DutyMark({ duty }: { duty: Pick<Duty, 'state' | 'due' | 'done'> }) {
    return <Mark state={SHAPES[duty.state]}>{dutyWord(duty)}</Mark>;
}

/** Is something to be done now? */
export const isDue = (duty: Duty) => duty.state === 'late' || duty.state === 'open';

/** Line one where this is first: the same on Learn and My work. */
export const dueLine = (duty: Duty) => (duty.state === 'late' ? t`First: ${duty.title}. It was due by ${dayOf(duty.due ?? '')}.` : t`Next: ${duty.title}, by ${dayOf(duty.due ?? '')}.`);

/** Where somebody goes on with it, and what that is. */
export function dutyWay(duty: Duty, courses: CourseSummary[], person: string): { path: string; word: string } {
    if (duty.kind === 'policy') {
        return { path: `/learn/policy/${duty.course}`, word: t`Read it` };
    }
    const course = courses.find((c) => c.id === duty.course);
    const lesson = course ? nextLesson(course, kept(person, course)) : null;
    return lesson === null ? { path: `/learn/${duty.course}/test`, word: t`Answer the questions` } : { path: `/learn/${duty.course}/${lesson + 1}`, word: t`Begin` };
}

/** What is due, first due first. */
export function Due({ duties }: { duties: Duty[] }) {
    return (
        <ul className="cards">
            {duties.map((duty) => (
                <li key={duty.kind + duty.course}>
                    <Link href={duty.kind === 'policy' ? `/learn/policy/${duty.course}` : `/learn/${duty.course}`} className="card">
                        <strong>{duty.title}</strong>
                        <span>
                            <DutyMark duty={duty} />
                        </span>
                        <span className="line small muted">
                            <span>{duty.kind === 'policy' ? t`Policy: read and sign` : t`Course: lessons, questions, signature`}</span>
                            {duty.why !== null && <span className="break">{t`Because: ${duty.why}`}</span>}
                        </span>
                    </Link>
                </li>
            ))}
        </ul>
    );
}
