// Two people let a third in again: one asks, another one approves and hands the code over.

import { Button, Textarea, TextInput } from '@mantine/core';
import { t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import { useMutation, useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { call, get, type Proof } from '../api/client';
import { useLostAt } from '../api/connection';
import { client, useSession } from '../api/queries';
import type { Recovery } from './types';
import { problem, Wrong } from '../pages/door';
import { Box, Ends, Once } from '../parts/box';
import { Age } from '../parts/age';
import { Mark } from '../parts/mark';
import { Empty, Panel } from '../parts/states';
import { stamp } from '../time';
import { useAgain } from './again';

const useRecoveries = () => useQuery({ queryKey: ['recoveries'], queryFn: ({ signal }) => get<{ items: Recovery[] }>('/recoveries', signal), refetchInterval: 60_000 });

const settled = () => {
    for (const key of ['recoveries', 'records']) {
        void client.invalidateQueries({ queryKey: [key] });
    }
};

function Refused({ error }: { error: unknown }) {
    const { code, detail } = problem(error);
    if (code === 'wrong-password') {
        return <Trans>Not done: that is not your password. This attempt is recorded.</Trans>;
    }
    return <>{detail}</>;
}

function Ask({ close }: { close: () => void }) {
    const again = useAgain();
    const [account, setAccount] = useState('');
    const [why, setWhy] = useState('');
    const ask = useMutation({ mutationFn: (proof: Proof) => call('POST', '/recoveries', { body: { account: account.trim(), why: why.trim() }, proof }), onSettled: settled });
    const ready = account.trim() !== '' && why.trim() !== '' && again.ready;
    const submit = () => {
        if (ready && !ask.isPending) {
            ask.mutate(again.proof, { onSettled: again.clear, onSuccess: close });
        }
    };
    return (
        <Box title={t`Let somebody in again`} close={close} submit={submit}>
            <p>
                <Trans>Make sure that it is that person: see them, or call them at a number you knew before. Another person has to approve it then.</Trans>
            </p>
            {ask.isError && (
                <Wrong>
                    <Refused error={ask.error} />
                </Wrong>
            )}
            <TextInput label={t`Name of the account`} autoComplete="off" autoCapitalize="none" spellCheck={false} value={account} onChange={(e) => setAccount(e.currentTarget.value)} data-autofocus />
            <Textarea label={t`Why, and how do you know that it is this person?`} rows={2} maxLength={500} autoComplete="off" value={why} onChange={(e) => setWhy(e.currentTarget.value)} />
            {again.field()}
            <Ends close={close} go={t`Ask for it`} busy={ask.isPending} ready={ready} />
        </Box>
    );
}

function Approve({ recovery, close }: { recovery: Recovery; close: () => void }) {
    const again = useAgain();
    const approve = useMutation({
        mutationFn: (proof: Proof) => call<{ code: string; until: string }>('POST', `/recoveries/${encodeURIComponent(recovery.id)}/approve`, { body: {}, proof }),
        onSettled: settled,
        gcTime: 0,
    });
    if (approve.data) {
        const { code, until } = approve.data;
        return (
            <Once title={t`The code`} secret={code} copy={t`Copy the code`} close={close}>
                <p>
                    <Trans>
                        It is shown this once. Give it to {recovery.account} in person. It is good once, until {stamp(until)}: for a new passkey or a new password.
                    </Trans>
                </p>
            </Once>
        );
    }
    const submit = () => {
        if (again.ready && !approve.isPending) {
            approve.mutate(again.proof, { onSettled: again.clear });
        }
    };
    return (
        <Box title={t`Let ${recovery.account} in again`} close={close} submit={submit}>
            <p>
                <Trans>
                    {recovery.asked_by} asks for it: “{recovery.why}”
                </Trans>
            </p>
            <p>
                <Trans>With the code, passkeys and the app of {recovery.account} open nothing any more, and open sessions end.</Trans>
            </p>
            {approve.isError && (
                <Wrong>
                    <Refused error={approve.error} />
                </Wrong>
            )}
            {again.field()}
            <Ends close={close} go={t`Approve`} busy={approve.isPending} ready={again.ready} careful />
        </Box>
    );
}

function Row({ recovery, approve }: { recovery: Recovery; approve: () => void }) {
    const me = useSession().data?.person.name;
    const away = useLostAt() !== null;
    const withdraw = useMutation({ mutationFn: () => call('POST', `/recoveries/${encodeURIComponent(recovery.id)}/withdraw`, { body: {} }), onSettled: settled });
    const mine = recovery.asked_by === me || recovery.account === me;
    return (
        <li>
            <div className="what">
                <strong className="break">{recovery.account}</strong>
                <p>
                    {recovery.approved_by ? (
                        <Mark state="good">
                            <Trans>approved by {recovery.approved_by}</Trans>
                        </Mark>
                    ) : (
                        <Mark state="medium">{mine ? <Trans>another person has to approve it</Trans> : <Trans>waits for you</Trans>}</Mark>
                    )}
                </p>
                <p className="muted">
                    {recovery.asked_by}, <Age at={recovery.asked_at} />: “{recovery.why}”
                </p>
            </div>
            <div className="acts">
                {!recovery.approved_by && !mine && (
                    <Button disabled={away} onClick={approve}>
                        <Trans>Look and approve…</Trans>
                    </Button>
                )}
                <Button variant="default" disabled={away} loading={withdraw.isPending} onClick={() => withdraw.mutate()} aria-label={t`Withdraw, for ${recovery.account}`}>
                    <Trans>Withdraw</Trans>
                </Button>
            </div>
        </li>
    );
}

export function LetIn() {
    const query = useRecoveries();
    const away = useLostAt() !== null;
    const [asking, setAsking] = useState(false);
    const [approving, setApproving] = useState<Recovery | null>(null);
    const items = query.data?.items ?? [];
    return (
        <Panel title={t`Let somebody in again`}>
            {items.length === 0 ? (
                <Empty title={t`Nobody waits to be let in again.`}>
                    <Trans>Who has lost every way to sign in is let in by two people together: one asks, another one approves.</Trans>
                </Empty>
            ) : (
                <ul className="kept">
                    {items.map((recovery) => (
                        <Row key={recovery.id} recovery={recovery} approve={() => setApproving(recovery)} />
                    ))}
                </ul>
            )}
            <div className="inside acts">
                <Button variant="default" disabled={away} onClick={() => setAsking(true)}>
                    <Trans>Ask for somebody…</Trans>
                </Button>
            </div>
            {asking && <Ask close={() => setAsking(false)} />}
            {approving && <Approve recovery={approving} close={() => setApproving(null)} />}
        </Panel>
    );
}
