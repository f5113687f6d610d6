// Long work of the program: how far it is, how long it may still take, and ending it. Whoever closes the page finds it again: the program has it, not the page.

import { Button } from '@mantine/core';
import { t } from '@lingui/core/macro';
import { Plural, Trans } from '@lingui/react/macro';
import { useMutation, useQuery } from '@tanstack/react-query';
import { call, get } from '../api/client';
import { client } from '../api/queries';

interface Task {
    kind: 'verify-ledger' | 'make-backup' | 'test-backup';
    seconds: number;
    done: number;
    total: number | null;
    left_s: { least: number; most: number } | null;
    ending: boolean;
    may_cancel: boolean;
}

const LONG = 10; // seconds: what ends sooner is shown where it was begun
const OFTEN = 2000;
const SELDOM = 30_000;

function Name({ kind }: { kind: Task['kind'] }) {
    switch (kind) {
        case 'verify-ledger':
            return <Trans>The ledger is being checked</Trans>;
        case 'make-backup':
            return <Trans>A backup is being made</Trans>;
        case 'test-backup':
            return <Trans>A backup is being tested</Trans>;
    }
}

/** What ending it leaves behind. */
function Leaves({ kind }: { kind: Task['kind'] }) {
    switch (kind) {
        case 'verify-ledger':
            return <Trans>Ended now, nothing is known of the ledger by this check. Nothing is changed.</Trans>;
        case 'make-backup':
            return <Trans>Ended now, the half of it that is written goes. Earlier backups stay.</Trans>;
        case 'test-backup':
            return <Trans>Ended now, the backup stays, and counts as not tested.</Trans>;
    }
}

function Left({ task }: { task: Task }) {
    if (task.left_s === null) {
        const minutes = Math.floor(task.seconds / 60);
        return minutes === 0 ? <Trans>for less than a minute</Trans> : <Plural value={minutes} one="for # minute" other="for # minutes" />;
    }
    const { least, most } = task.left_s;
    if (most < 90) {
        return (
            <Trans>
                {least} to {most} seconds left
            </Trans>
        );
    }
    const from = Math.max(1, Math.floor(least / 60));
    const to = Math.ceil(most / 60);
    return (
        <Trans>
            {from} to {to} minutes left
        </Trans>
    );
}

function One({ task }: { task: Task }) {
    const end = useMutation({
        mutationFn: () => call<void>('DELETE', task.kind === 'verify-ledger' ? '/ledger/verify' : '/backups/doing'),
        onSettled: () => void client.invalidateQueries({ queryKey: ['tasks'] }),
    });
    const share = task.total === null ? null : Math.min(99, Math.floor((100 * task.done) / task.total));
    return (
        <li className="task">
            <p>
                <b>
                    <Name kind={task.kind} />
                </b>
                {share !== null && <>: {share} %</>}
                <span className="muted">
                    {' '}
                    · <Left task={task} />
                </span>
            </p>
            <progress aria-label={t`How far it is`} max={100} value={share ?? undefined} />
            {task.may_cancel && (
                <div className="task-end">
                    <span className="small muted">
                        <Leaves kind={task.kind} />
                    </span>
                    <Button variant="default" loading={end.isPending || task.ending} onClick={() => end.mutate()}>
                        <Trans>End it now</Trans>
                    </Button>
                </div>
            )}
        </li>
    );
}

export default function Tray() {
    const tasks = useQuery({
        queryKey: ['tasks'],
        queryFn: ({ signal }) => get<{ items: Task[] }>('/tasks', signal),
        refetchInterval: (q) => ((q.state.data?.items.length ?? 0) > 0 ? OFTEN : SELDOM),
    });
    const long = tasks.data?.items.filter((task) => task.seconds >= LONG) ?? [];
    if (long.length === 0) {
        return null;
    }
    return (
        <aside className="tray" aria-label={t`Long work`}>
            <ul>
                {long.map((task) => (
                    <One key={task.kind} task={task} />
                ))}
            </ul>
        </aside>
    );
}
