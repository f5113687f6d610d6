// The shapes of docs/api.md: courses and training.

/** A training course: docs/formats/course.md. */
export interface CourseSummary {
    id: string;
    title: string;
    about: string;
    for: string[];
    after: 'simulation' | 'finding' | null;
    language: string;
    version: number;
    minutes: number;
    pass: number;
    own: boolean;
    pool: number;
    parts: { title: string; minutes: number; questions: number }[];
}

export type CourseRun = { text: string; as?: 'strong' | 'soft' | 'code' } | { source: string };

export type CourseBlock =
    | { kind: 'text' | 'heading' | 'note'; runs: CourseRun[] }
    | { kind: 'list' | 'steps'; items: CourseRun[][] }
    | { kind: 'picture'; picture: string; shows: string };

/** Which answer is right comes behind one's own: CourseVerdict. */
export interface CourseAnswer {
    runs: CourseRun[];
}

export interface CourseQuestion {
    id: string;
    kind: 'one' | 'several' | 'order';
    ask: CourseBlock[];
    answers: CourseAnswer[];
}

export interface CourseVerdict {
    right: boolean;
    /** In the order in which the answers were shown; place: of a step, from 1. */
    answers: { right: boolean; feedback: CourseRun[]; place: number }[];
    see: string;
}

export type TrainingState = 'done' | 'renew' | 'open' | 'late';

export interface Duty {
    course: string;
    kind: 'course' | 'policy';
    title: string;
    state: TrainingState;
    assigned: string;
    due: string | null;
    done: string | null;
    record: number | null;
    how: string | null;
    why: string | null;
}

export interface Learnt {
    record: number;
    course: string | null;
    title: string;
    how: string;
    version: number;
    day: string;
}

export interface MyTraining {
    today: string;
    mail: boolean;
    duties: Duty[];
    history: Learnt[];
}

export interface Attempt {
    id: string;
    course: string;
    title: string;
    language: string;
    version: number;
    pass: number;
    state: 'open' | 'passed' | 'failed' | 'signed';
    answered: number;
    right: number | null;
    retry_after_s: number;
    sources: CourseSource[];
    questions: { question: CourseQuestion; chosen: string | null; verdict: CourseVerdict | null }[];
}

export interface PolicyText {
    id: string;
    title: string;
    language: string;
    version: number;
    text: CourseBlock[];
}

export type TrainingCounts = Record<TrainingState | 'all', number>;

export interface TrainingRow extends TrainingCounts {
    id: string;
    title: string;
    kind: 'course' | 'policy' | 'role' | 'site';
}

export interface TrainingOverview extends TrainingCounts {
    today: string;
    mail: boolean;
    escalate_days: number;
    site: string;
    people: number;
    people_late: number;
    courses: TrainingRow[];
    roles: TrainingRow[];
    sites: TrainingRow[];
    months: { month: string; on_time: number; late: number }[];
    standings: { day: string; all: number; done: number; late: number; record: number }[];
    ledger: { records: number; root: string; origin: string };
}

export interface TrainingPerson {
    name: string;
    display_name: string;
    all: number;
    done: number;
    late: number;
    next: string | null;
    manager: string | null;
    mail: boolean;
}

export interface TrainingRule {
    rule: number;
    course: string;
    title: string;
    role: string | null;
    site: string | null;
    account: string | null;
    from: string;
    days: number;
    renew_months: number;
    by: string | null;
    why: string | null;
    time: string;
}

export interface TrainingRules {
    items: TrainingRule[];
    policies: { id: string; title: string; version: number; since: string; record: number }[];
}

export interface TrainingOne {
    name: string;
    display_name: string;
    closed: boolean;
    mail: string | null;
    manager: string | null;
    roles: string[];
    today: string;
    duties: Duty[];
    history: Learnt[];
}

export interface TrainingClass {
    record: number;
    course: string | null;
    topic: string;
    trainer: string;
    day: string;
    people: number;
    sha256: string | null;
    by: string | null;
}

export interface TrainingTopics {
    enough: boolean;
    least: number;
    items: { lesson: string; right_percent: number | null }[];
}

export interface VerifiedPaper {
    genuine: boolean;
    display_name: string;
    title: string;
    how: string;
    by: string | null;
    version: number;
    day: string;
    until: string | null;
    counts: boolean;
    site: string;
    record: number;
    records: number;
    root: string;
}

export interface CourseLesson {
    title: string;
    minutes: number;
    scenario: CourseQuestion | null;
    text: CourseBlock[];
    questions: CourseQuestion[];
}

export interface CourseSource {
    id: string;
    name: string;
    section: string;
}

export interface Course extends CourseSummary {
    sources: CourseSource[];
    lessons: CourseLesson[];
}
