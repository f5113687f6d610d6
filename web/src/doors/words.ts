// Doors in words.

import { t } from '@lingui/core/macro';
import type { State } from '../parts/mark';
import type { Door } from './ask';

export const serviceWord = (name: string, port: number): string =>
    ({
        rdp: t`Remote desktop (RDP)`,
        vnc: t`Screen sharing (VNC)`,
        ssh: t`Command line (SSH)`,
        https: t`Web page (HTTPS)`,
    })[name] ?? t`Port ${port}`;

export function stateOf(door: Door): { state: State; word: string } {
    switch (door.state) {
        case 'asked':
            return { state: 'medium', word: t`waits for the lab` };
        case 'lapsed':
            return { state: 'unknown', word: t`lapsed: nobody decided within a day` };
        case 'refused':
            return { state: 'unknown', word: t`refused by the lab` };
        case 'approved':
            return { state: 'low', word: t`approved, opening` };
        case 'open':
            return { state: 'good', word: t`open now` };
        case 'closing':
            return { state: 'low', word: t`closing` };
        default:
            return { state: door.ended === 'error' ? 'medium' : 'unknown', word: endedWord(door) };
    }
}

export function endedWord(door: Door): string {
    switch (door.ended) {
        case 'time':
            return t`closed, its time was over`;
        case 'withdrawn':
            return door.ended_by ? t`closed by ${door.ended_by}` : t`closed by a person`;
        case 'error':
            return t`not opened, or closed by a fault`;
        default:
            return t`closed`;
    }
}

/** How long is left, in words; none: nothing. */
export function left(until: string | null, now: number): string | null {
    if (until === null) {
        return null;
    }
    const minutes = Math.ceil((new Date(until).getTime() - now) / 60_000);
    if (minutes <= 0) {
        return t`now closing`;
    }
    const hours = Math.floor(minutes / 60);
    const rest = minutes % 60;
    return hours === 0 ? t`${minutes} min left` : t`${hours} h ${rest} min left`;
}

export function lasts(minutes: number): string {
    const hours = Math.floor(minutes / 60);
    const rest = minutes % 60;
    return hours === 0 ? t`${minutes} min` : rest === 0 ? t`${hours} h` : t`${hours} h ${rest} min`;
}
