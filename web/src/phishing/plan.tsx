// Planning a simulation, with the mail as people will get it; and stopping one.

import { NativeSelect, TextInput } from '@mantine/core';
import { t } from '@lingui/core/macro';
import { useState } from 'react';
import { useCourses } from '../api/queries';
import { problem, Wrong } from '../pages/door';
import { Box, Ends } from '../parts/box';
import { show } from '../parts/say';
import { personRole } from '../words';
import { usePlan, useStop, type Simulations } from './ask';
import { wordsOf } from './parts';

const ROLES = ['phlebotomist', 'technologist', 'front desk', 'IT', 'lab manager', 'privacy officer'];

function Failure({ error }: { error: unknown }) {
    return error === null ? null : (
        <Wrong>
            <span>{problem(error).detail || t`Not done: Tourniquet did not answer. Try again in a moment.`}</span>
        </Wrong>
    );
}

/** "2026-03-14T08:00" of the browser's zone, as <input type="datetime-local"> has it. */
function local(when: Date): string {
    const two = (n: number) => String(n).padStart(2, '0');
    return `${when.getFullYear()}-${two(when.getMonth() + 1)}-${two(when.getDate())}T${two(when.getHours())}:${two(when.getMinutes())}`;
}

export function Plan({ all, close }: { all: Simulations; close: () => void }) {
    const plan = usePlan();
    const [template, setTemplate] = useState(all.templates[0]?.id ?? '');
    const [language, setLanguage] = useState<'en' | 'es'>(all.ready.language);
    const [role, setRole] = useState('');
    const [starts, setStarts] = useState(() => local(new Date()));
    const [until, setUntil] = useState(() => local(new Date(Date.now() + 3 * 86400e3)));
    const [rate, setRate] = useState('60');
    const courses = useCourses().data ?? [];
    const [course, setCourse] = useState('');
    const chosen = all.templates.find((one) => one.id === template);
    const mail = chosen?.[language];
    const submit = () =>
        plan.mutate(
            { template, language, ...(role !== '' ? { roles: role } : {}), ...(course !== '' ? { course } : {}), starts: new Date(starts).toISOString(), until: new Date(until).toISOString(), rate },
            {
                onSuccess: () => {
                    show({ text: t`Planned. Mails go out one by one.` });
                    close();
                },
            },
        );
    return (
        <Box title={t`Plan a simulation`} close={close} submit={submit}>
            <NativeSelect label={t`Mail`} value={template} onChange={(e) => setTemplate(e.currentTarget.value)} data-autofocus>
                {all.templates.map((one) => (
                    <option key={one.id} value={one.id}>
                        {wordsOf(one).name}
                    </option>
                ))}
            </NativeSelect>
            <NativeSelect label={t`Language of the mail`} value={language} onChange={(e) => setLanguage(e.currentTarget.value === 'es' ? 'es' : 'en')}>
                <option value="en">{t`English`}</option>
                <option value="es">{t`Spanish`}</option>
            </NativeSelect>
            {mail && (
                <details className="mail-shown">
                    <summary>{t`What it says`}</summary>
                    <p lang={language}>
                        <strong>{mail.sender}</strong>
                        <br />
                        {mail.subject}
                    </p>
                    <pre lang={language} className="break" style={{ whiteSpace: 'pre-wrap', fontFamily: 'inherit' }}>
                        {mail.text}
                    </pre>
                </details>
            )}
            <NativeSelect label={t`To`} description={t`At least five people with an address in an allowed domain.`} value={role} onChange={(e) => setRole(e.currentTarget.value)}>
                <option value="">{t`Everybody`}</option>
                {ROLES.map((r) => (
                    <option key={r} value={r}>
                        {personRole(r)}
                    </option>
                ))}
            </NativeSelect>
            <NativeSelect
                label={t`Refresher for whoever follows the link`}
                description={t`On Training it shows as due, by its title, without a reason. A course that everybody has says least.`}
                value={course}
                onChange={(e) => setCourse(e.currentTarget.value)}
            >
                <option value="">{courses.find((c) => c.id === chosen?.course)?.title ?? chosen?.course ?? ''}</option>
                {courses
                    .filter((c) => c.id !== chosen?.course)
                    .map((c) => (
                        <option key={c.id} value={c.id}>
                            {c.title}
                        </option>
                    ))}
            </NativeSelect>
            <TextInput type="datetime-local" label={t`From`} value={starts} onChange={(e) => setStarts(e.currentTarget.value)} required />
            <TextInput type="datetime-local" label={t`Until`} description={t`31 days at most.`} value={until} onChange={(e) => setUntil(e.currentTarget.value)} required />
            <TextInput type="number" min={1} max={600} label={t`Mails an hour`} value={rate} onChange={(e) => setRate(e.currentTarget.value)} required />
            <Failure error={plan.error} />
            <Ends close={close} go={t`Plan it`} busy={plan.isPending} ready={template !== '' && starts !== '' && until !== '' && rate !== ''} />
        </Box>
    );
}

export function Stop({ id, name, close }: { id: string; name: string; close: () => void }) {
    const stop = useStop(id);
    const [why, setWhy] = useState('');
    const submit = () =>
        stop.mutate(
            { why },
            {
                onSuccess: () => {
                    show({ text: t`Stopped: no further mail goes out. Links still lead to the lesson.` });
                    close();
                },
            },
        );
    return (
        <Box title={t`Stop: ${name}`} close={close} submit={submit}>
            <TextInput label={t`Why`} description={t`It is kept on the ledger.`} value={why} onChange={(e) => setWhy(e.currentTarget.value)} maxLength={400} autoComplete="off" data-autofocus />
            <Failure error={stop.error} />
            <Ends close={close} go={t`Stop it`} busy={stop.isPending} ready={why.trim() !== ''} />
        </Box>
    );
}
