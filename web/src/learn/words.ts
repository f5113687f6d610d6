// Words for the codes of courses.

import { t } from '@lingui/core/macro';
import type { CourseSummary } from './types';
import type { Kept } from './kept';

export function audienceWord(audience: string): string {
    switch (audience) {
        case 'everyone':
            return t`Everybody`;
        case 'phlebotomist':
            return t`Phlebotomists`;
        case 'technologist':
            return t`Technologists`;
        case 'front-desk':
            return t`Front desk`;
        case 'it':
            return t({ message: 'IT', context: 'audience' });
        case 'manager':
            return t`Managers`;
        case 'privacy-officer':
            return t`Privacy officers`;
        case 'vendor':
            return t`Vendors`;
        default:
            return audience;
    }
}

const AUDIENCES: Record<string, string> = {
    phlebotomist: 'phlebotomist',
    technologist: 'technologist',
    'front desk': 'front-desk',
    IT: 'it',
    'lab manager': 'manager',
    'privacy officer': 'privacy-officer',
    "maker's engineer": 'vendor',
};

/** What is for everybody first, then what is for these roles, then the rest. */
export function inOrder(courses: CourseSummary[], roles: string[]): CourseSummary[] {
    const mine = roles.map((role) => AUDIENCES[role]);
    const rank = (course: CourseSummary) => (course.for.includes('everyone') ? 0 : course.for.some((audience) => mine.includes(audience)) ? 1 : 2);
    return [...courses].sort((a, b) => rank(a) - rank(b));
}

/** What is for everybody, and for these roles; no refreshers. */
export function meantFor(courses: CourseSummary[], roles: string[]): CourseSummary[] {
    const mine = roles.map((role) => AUDIENCES[role]);
    return inOrder(courses, roles).filter((course) => course.after === null && course.for.some((audience) => audience === 'everyone' || mine.includes(audience)));
}

/** What a course is written in, where the page is in another language. */
export function languageWord(language: string): string {
    return language === 'en' ? t`In English` : language === 'es' ? t`In Spanish` : language;
}

/** The lesson to go on with: the one that was left open, else the first that is not done. */
export function nextLesson(course: CourseSummary, at: Kept): number | null {
    if (at.step > 0 && at.lesson < course.parts.length && !at.done.includes(at.lesson)) {
        return at.lesson;
    }
    const next = course.parts.findIndex((_, i) => !at.done.includes(i));
    return next < 0 ? null : next;
}
