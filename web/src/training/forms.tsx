// What managers do about training, each in a window of its own.

import { Button, FileButton, NativeSelect, Textarea, TextInput } from '@mantine/core';
import { t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import { useState } from 'react';
import type { CourseSummary } from '../learn/types';
import { useAssign, useContact, useRecordClass, useRefresh, useUnassign } from '../learn/ask';
import { problem, Wrong } from '../pages/door';
import { Box, Ends } from '../parts/box';
import { show } from '../parts/say';
import { personRole } from '../words';

const ROLES = ['lab manager', 'privacy officer', 'IT', 'technologist', 'phlebotomist', 'front desk', 'auditor', 'assessor', "maker's engineer"];

function Failure({ error }: { error: unknown }) {
    return error === null ? null : (
        <Wrong>
            <span>{problem(error).detail || t`Not done: Tourniquet did not answer. Try again in a moment.`}</span>
        </Wrong>
    );
}

function CourseSelect({ courses, value, change, none }: { courses: CourseSummary[]; value: string; change: (id: string) => void; none?: string }) {
    return (
        <NativeSelect label={t`Course`} value={value} onChange={(e) => change(e.currentTarget.value)} data-autofocus>
            {none !== undefined && <option value="">{none}</option>}
            {courses.map((c) => (
                <option key={c.id} value={c.id}>
                    {c.title}
                </option>
            ))}
        </NativeSelect>
    );
}

export function Assign({ courses, today, account, close }: { courses: CourseSummary[]; today: string; account?: string; close: () => void }) {
    const assign = useAssign();
    const [course, setCourse] = useState(courses[0]?.id ?? '');
    const [role, setRole] = useState('');
    const [from, setFrom] = useState(today);
    const [days, setDays] = useState('30');
    const [renew, setRenew] = useState('12');
    const [why, setWhy] = useState('');
    const submit = () =>
        assign.mutate(
            { course, from, days, renew_months: renew, ...(account !== undefined ? { account } : role !== '' ? { role } : {}), ...(why !== '' ? { why } : {}) },
            {
                onSuccess: () => {
                    show({ text: t`Assigned. Whoever gets the role later gets it then.` });
                    close();
                },
            },
        );
    return (
        <Box title={account !== undefined ? t`Assign a course to ${account}` : t`Assign a course`} close={close} submit={submit}>
            <CourseSelect courses={courses} value={course} change={setCourse} />
            {account === undefined && (
                <NativeSelect label={t`To`} value={role} onChange={(e) => setRole(e.currentTarget.value)}>
                    <option value="">{t`Everybody`}</option>
                    {ROLES.map((r) => (
                        <option key={r} value={r}>
                            {personRole(r)}
                        </option>
                    ))}
                </NativeSelect>
            )}
            <TextInput type="date" label={t`From`} value={from} onChange={(e) => setFrom(e.currentTarget.value)} required />
            <TextInput type="number" min={0} max={730} label={t`Days to do it in`} description={t`Until the end of that day, in the lab's time zone.`} value={days} onChange={(e) => setDays(e.currentTarget.value)} required />
            <NativeSelect label={t`Again`} value={renew} onChange={(e) => setRenew(e.currentTarget.value)}>
                <option value="12">{t`every year`}</option>
                <option value="6">{t`every six months`}</option>
                <option value="24">{t`every two years`}</option>
                <option value="0">{t`never: once is enough`}</option>
            </NativeSelect>
            <TextInput label={t`Why (optional)`} value={why} onChange={(e) => setWhy(e.currentTarget.value)} maxLength={400} autoComplete="off" />
            <Failure error={assign.error} />
            <Ends close={close} go={t`Assign`} busy={assign.isPending} ready={course !== '' && from !== '' && days !== ''} />
        </Box>
    );
}

export function EndRule({ rule, title, close }: { rule: number; title: string; close: () => void }) {
    const end = useUnassign(rule);
    const [why, setWhy] = useState('');
    const submit = () =>
        end.mutate(
            { why },
            {
                onSuccess: () => {
                    show({ text: t`It is asked for no more. What was done stays.` });
                    close();
                },
            },
        );
    return (
        <Box title={t`Ask no more for: ${title}`} close={close} submit={submit}>
            <TextInput label={t`Why`} description={t`It is kept on the ledger.`} value={why} onChange={(e) => setWhy(e.currentTarget.value)} maxLength={400} autoComplete="off" data-autofocus />
            <Failure error={end.error} />
            <Ends close={close} go={t`End it`} busy={end.isPending} ready={why.trim() !== ''} />
        </Box>
    );
}

export function RecordClass({ courses, today, close }: { courses: CourseSummary[]; today: string; close: () => void }) {
    const record = useRecordClass();
    const [topic, setTopic] = useState('');
    const [course, setCourse] = useState('');
    const [trainer, setTrainer] = useState('');
    const [day, setDay] = useState(today);
    const [people, setPeople] = useState('');
    const [sheet, setSheet] = useState<{ name: string; sha256: string } | null>(null);
    const take = async (file: File | null) => {
        if (file !== null) {
            const hash = await crypto.subtle.digest('SHA-256', await file.arrayBuffer());
            setSheet({ name: file.name, sha256: [...new Uint8Array(hash)].map((b) => b.toString(16).padStart(2, '0')).join('') });
        }
    };
    const names = people.split(/[\s,;]+/).filter((name) => name !== '');
    const submit = () =>
        record.mutate(
            { topic: topic.trim(), trainer: trainer.trim(), day, people: names.join(','), ...(course !== '' ? { course } : {}), ...(sheet !== null ? { sha256: sheet.sha256 } : {}) },
            {
                onSuccess: () => {
                    show({ text: t`Recorded. It counts for everybody on the list.` });
                    close();
                },
            },
        );
    return (
        <Box title={t`Record a class`} close={close} submit={submit}>
            <TextInput label={t`What was taught`} value={topic} onChange={(e) => setTopic(e.currentTarget.value)} maxLength={100} autoComplete="off" data-autofocus />
            <CourseSelect courses={courses} value={course} change={setCourse} none={t`It stands for no course`} />
            <TextInput label={t`Who taught it`} value={trainer} onChange={(e) => setTrainer(e.currentTarget.value)} maxLength={80} autoComplete="off" />
            <TextInput type="date" label={t`On`} max={today} value={day} onChange={(e) => setDay(e.currentTarget.value)} />
            <Textarea label={t`Who was there`} description={t`Names of accounts, with commas or line breaks between.`} autosize minRows={2} value={people} onChange={(e) => setPeople(e.currentTarget.value)} spellCheck={false} />
            <div>
                <FileButton onChange={(file) => void take(file)}>
                    {(props) => (
                        <Button variant="default" {...props}>
                            {sheet === null ? t`Add the signed list…` : sheet.name}
                        </Button>
                    )}
                </FileButton>
                <p className="muted small">
                    <Trans>The file stays on this computer; its SHA-256 goes on the ledger, so that the paper in your binder can be compared with it.</Trans>
                </p>
            </div>
            <Failure error={record.error} />
            <Ends close={close} go={t({ message: 'Record', context: 'training' })} busy={record.isPending} ready={topic.trim() !== '' && trainer.trim() !== '' && names.length > 0} />
        </Box>
    );
}

export function Refresh({ courses, account, close }: { courses: CourseSummary[]; account: string; close: () => void }) {
    const refresh = useRefresh();
    const sorted = [...courses].sort((a, b) => Number(a.after === null) - Number(b.after === null));
    const [course, setCourse] = useState(sorted[0]?.id ?? '');
    const [why, setWhy] = useState('');
    const submit = () =>
        refresh.mutate(
            { account, course, why },
            {
                onSuccess: () => {
                    show({ text: t`Asked for, within 14 days.` });
                    close();
                },
            },
        );
    return (
        <Box title={t`A refresher for ${account}`} close={close} submit={submit}>
            <CourseSelect courses={sorted} value={course} change={setCourse} />
            <TextInput label={t`Why`} description={t`The person reads it. Say what happened, not who was wrong.`} value={why} onChange={(e) => setWhy(e.currentTarget.value)} maxLength={400} autoComplete="off" />
            <Failure error={refresh.error} />
            <Ends close={close} go={t`Ask for it`} busy={refresh.isPending} ready={why.trim() !== '' && course !== ''} />
        </Box>
    );
}

export function Contact({ name, mail, manager, close }: { name: string; mail: string; manager: string; close: () => void }) {
    const contact = useContact(name);
    const [to, setTo] = useState(mail);
    const [boss, setBoss] = useState(manager);
    const submit = () =>
        contact.mutate(
            { ...(to.trim() !== '' ? { mail: to.trim() } : {}), ...(boss.trim() !== '' ? { manager: boss.trim() } : {}) },
            {
                onSuccess: () => {
                    show({ text: t`Saved.` });
                    close();
                },
            },
        );
    return (
        <Box title={t`Mail and manager of ${name}`} close={close} submit={submit}>
            <TextInput type="email" label={t`Mail address`} value={to} onChange={(e) => setTo(e.currentTarget.value)} autoComplete="off" data-autofocus />
            <TextInput label={t`Manager (an account)`} description={t`Told when something is long overdue. Without one, the lab managers are.`} value={boss} onChange={(e) => setBoss(e.currentTarget.value)} autoComplete="off" />
            <Failure error={contact.error} />
            <Ends close={close} go={t`Save`} busy={contact.isPending} ready />
        </Box>
    );
}
