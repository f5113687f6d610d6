// A duty's state in words: what is due when. Never how well somebody did.

import { t } from '@lingui/core/macro';
import type { Duty, TrainingState } from './types';
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
