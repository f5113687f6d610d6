// How far a person is in a course, kept in this browser under their name: which lessons are done, and where they stopped. Which answers were given is
// not kept.

const KEY = 'tourniquet.learn';

export interface Kept {
    /** Numbers of the lessons that are done. */
    done: number[];
    /** The lesson that is open, and the step in it. */
    lesson: number;
    step: number;
}
type All = Record<string, Record<string, Kept>>;

const NOTHING: Kept = { done: [], lesson: 0, step: 0 };

function all(): All {
    try {
        const read: unknown = JSON.parse(localStorage.getItem(KEY) ?? '{}');
        return typeof read === 'object' && read !== null ? (read as All) : {};
    } catch {
        return {};
    }
}

/** What is taught changed with the version: then it begins anew. */
const nameOf = (course: { id: string; version: number }) => `${course.id}@${course.version}`;
const whole = (n: unknown): n is number => Number.isInteger(n) && (n as number) >= 0;

export function kept(person: string, course: { id: string; version: number }): Kept {
    const found = all()[person]?.[nameOf(course)];
    if (!found || !Array.isArray(found.done) || !whole(found.lesson) || !whole(found.step)) {
        return NOTHING;
    }
    return { ...found, done: found.done.filter(whole) };
}

export function keep(person: string, course: { id: string; version: number }, now: Kept) {
    const everybody = all();
    const mine = Object.entries(everybody[person] ?? {}).filter(([name]) => name.split('@')[0] !== course.id);
    try {
        localStorage.setItem(KEY, JSON.stringify({ ...everybody, [person]: Object.fromEntries([...mine, [nameOf(course), now]]) }));
    } catch {
        // No room in this browser: the lesson goes on, its place is not kept.
    }
}
