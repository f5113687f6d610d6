import { age, near, stamp, useNow } from '../time';

/** "9 min ago" with the time beside it; the full date for those who ask. */
export function Age({ at, short = false }: { at: string | null; short?: boolean }) {
    const now = useNow();
    if (at === null) {
        return <span className="muted">–</span>;
    }
    return (
        <time dateTime={at} title={stamp(at, true)} className="nowrap">
            {age(at, now)}
            {!short && <span className="muted"> · {near(at)}</span>}
        </time>
    );
}

export function When({ at, seconds = false }: { at: string; seconds?: boolean }) {
    return (
        <time dateTime={at} className="nowrap">
            {stamp(at, seconds)}
        </time>
    );
}

export function Near({ at, seconds = false }: { at: string; seconds?: boolean }) {
    return (
        <time dateTime={at} title={stamp(at, true)} className="nowrap">
            {near(at, seconds)}
        </time>
    );
}
