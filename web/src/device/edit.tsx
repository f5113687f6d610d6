// What people say of a device. It wins over what was seen, can be undone for ten seconds, and taken back at any time.

import { Button, Modal, NativeSelect, TextInput } from '@mantine/core';
import { t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import { useState, type FormEvent } from 'react';
import { Problem } from '../api/client';
import { useLostAt } from '../api/connection';
import { useEditDevice, type Edit } from '../api/queries';
import type { DeviceDetail } from './types';
import { useMay } from '../may';
import { Wrong } from '../pages/door';
import { Near } from '../parts/age';
import { show } from '../parts/say';
import { Panel } from '../parts/states';
import { fieldValue, fieldWord, roleWord, ROLES, severityWord } from '../words';

const LENGTH = 80;
const PLAIN = ['owner', 'place', 'zone'] as const;
const DETAILS = ['maker', 'model', 'serial', 'software', 'os'] as const;
const FIELDS = ['name', 'role', 'criticality', 'retired', ...PLAIN, ...DETAILS];

const told = (device: DeviceDetail, field: string) => device.edits.find((e) => e.field === field)?.value ?? '';

/** Changes fields and offers to undo it: what was told before comes back. */
function useSave(device: DeviceDetail) {
    const save = useEditDevice(device.id);
    const send = (edit: Edit, done?: () => void) => {
        const before = Object.fromEntries(Object.keys(edit).map((f) => [f, told(device, f) || null]));
        const what = Object.keys(edit).map(fieldWord).join(', ');
        save.mutate(
            { edit, etag: device.etag },
            {
                onSuccess: (now) => {
                    done?.();
                    show({ text: t`Saved: ${what}.`, undoWord: t`Undo`, undo: () => save.mutate({ edit: before, etag: now.etag }) });
                },
            },
        );
    };
    return { save, send };
}

export function EditDevice({ device }: { device: DeviceDetail }) {
    const { save, send } = useSave(device);
    const away = useLostAt() !== null;
    const [opened, setOpened] = useState(false);
    // What the fields held when the dialog opened: only what a person changed since is sent, so that nobody else's word is taken back by the way.
    const [was, setWas] = useState<Record<string, string>>({});
    const [values, setValues] = useState<Record<string, string>>({});
    const set = (field: string) => (value: string) => setValues((now) => ({ ...now, [field]: value }));
    const open = () => {
        save.reset();
        const now = Object.fromEntries(FIELDS.map((f) => [f, told(device, f)]));
        setWas(now);
        setValues(now);
        setOpened(true);
    };
    const submit = (event: FormEvent) => {
        event.preventDefault();
        const edit: Edit = {};
        for (const field of FIELDS) {
            const value = (values[field] ?? '').trim();
            if (value !== was[field]) {
                edit[field] = value === '' ? null : value;
            }
        }
        if (Object.keys(edit).length === 0) {
            setOpened(false);
        } else {
            send(edit, () => setOpened(false));
        }
    };
    const stale = save.error instanceof Problem && save.error.status === 412;
    const seen: Record<string, string | null> = { zone: device.zone, maker: device.maker, model: device.model, serial: device.serial, software: device.software, os: device.os };
    const text = (field: string, hint?: string) => (
        <TextInput
            key={field}
            label={fieldWord(field)}
            description={hint}
            placeholder={told(device, field) === '' && seen[field] ? t`seen: ${seen[field]}` : undefined}
            maxLength={LENGTH}
            value={values[field] ?? ''}
            onChange={(e) => set(field)(e.currentTarget.value)}
            data-autofocus={field === 'name' || undefined}
        />
    );
    return (
        <>
            <Button variant={device.name === null && device.findings_open === 0 ? 'filled' : 'default'} disabled={away} onClick={open}>
                {device.name === null ? <Trans>Name it</Trans> : <Trans>Edit</Trans>}
            </Button>
            <Modal opened={opened} onClose={() => setOpened(false)} title={t`What you know of this device`} size="lg" closeButtonProps={{ 'aria-label': t`Close` }}>
                <form onSubmit={submit} className="edit">
                    {save.isError && (
                        <Wrong>
                            {stale ? <Trans>Not saved: somebody changed this device meanwhile. You see the newest state now; save again.</Trans> : save.error.message || <Trans>Not saved.</Trans>}
                        </Wrong>
                    )}
                    {text('name', t`As people in the lab call it, for example Chem 2.`)}
                    <NativeSelect
                        label={fieldWord('role')}
                        value={values.role ?? ''}
                        onChange={(e) => set('role')(e.currentTarget.value)}
                        data={[{ value: '', label: t`as seen` }, ...ROLES.filter((r) => r !== 'unknown').map((r) => ({ value: r, label: roleWord(r) }))]}
                    />
                    <NativeSelect
                        label={fieldWord('criticality')}
                        description={t`How bad it is when it stops or lies.`}
                        value={values.criticality ?? ''}
                        onChange={(e) => set('criticality')(e.currentTarget.value)}
                        data={[{ value: '', label: t`nobody said` }, ...['critical', 'high', 'medium', 'low'].map((c) => ({ value: c, label: severityWord(c) }))]}
                    />
                    {PLAIN.map((f) => text(f))}
                    <NativeSelect
                        label={fieldWord('retired')}
                        value={values.retired ?? ''}
                        onChange={(e) => set('retired')(e.currentTarget.value)}
                        data={[
                            { value: '', label: t`no` },
                            { value: 'true', label: t`yes, it is no longer used` },
                        ]}
                    />
                    <details>
                        <summary>
                            <Trans>Correct what was seen</Trans>
                        </summary>
                        <div className="edit">{DETAILS.map((f) => text(f))}</div>
                    </details>
                    <div className="acts" style={{ justifyContent: 'flex-end' }}>
                        <Button variant="default" onClick={() => setOpened(false)}>
                            <Trans>Cancel</Trans>
                        </Button>
                        <Button type="submit" loading={save.isPending}>
                            <Trans>Save</Trans>
                        </Button>
                    </div>
                </form>
            </Modal>
        </>
    );
}

/** What people said and did not take back. */
export function Edits({ device }: { device: DeviceDetail }) {
    const { save, send } = useSave(device);
    const edits = useMay('device.edit');
    const away = useLostAt() !== null;
    if (device.edits.length === 0) {
        return null;
    }
    return (
        <Panel title={t`What people said`}>
            <ul className="said">
                {device.edits.map((e) => (
                    <li key={e.field}>
                        <span>
                            <b>{fieldWord(e.field)}</b>: {fieldValue(e.field, e.value)}{' '}
                            <span className="muted small">
                                {e.person} · <Near at={e.time} />
                            </span>
                        </span>
                        {edits && (
                            <Button variant="default" disabled={away || save.isPending} onClick={() => send({ [e.field]: null })} aria-label={t`Take back: ${fieldWord(e.field)}`}>
                                <Trans>Take back</Trans>
                            </Button>
                        )}
                    </li>
                ))}
            </ul>
        </Panel>
    );
}
