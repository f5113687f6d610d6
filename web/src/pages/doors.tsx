// Vendor access: who wants in, who is in, until when, and what they did.

import { Button, Textarea } from '@mantine/core';
import { plural, t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import { useState } from 'react';
import { Link } from 'wouter';
import { useLostAt } from '../api/connection';
import { useSession } from '../api/queries';
import { useDoor, useDoorAct, useDoors, type Door, type Doors } from '../doors/ask';
import { DoorCard, Failure, FirewallSays } from '../doors/parts';
import { lasts, serviceWord } from '../doors/words';
import { useMay } from '../may';
import { Box, Ends } from '../parts/box';
import { Near } from '../parts/age';
import { Head } from '../parts/head';
import { show } from '../parts/say';
import { Asked, Empty, Loading, Panel } from '../parts/states';
import { useAgain } from '../sign/again';
import { clock, count, size } from '../time';

const LIVE = ['approved', 'open', 'closing'];

function Approve({ door, close }: { door: Door; close: () => void }) {
    const act = useDoorAct();
    const again = useAgain();
    const [asked, setAsked] = useState(false);
    const submit = () => {
        setAsked(true);
        if (again.ready && !act.isPending) {
            act.mutate(
                { path: `/doors/${door.id}/approve`, body: {}, proof: again.proof },
                {
                    onSuccess: () => {
                        show({ text: t`The door to ${door.device} opens.` });
                        close();
                    },
                    onSettled: again.clear,
                },
            );
        }
    };
    return (
        <Box title={t`Open a door to ${door.device}`} close={close} submit={submit}>
            <p>“{door.why}”</p>
            <p>
                <Trans>
                    {door.asked_by} may reach {serviceWord(door.service, door.port)} of this one device from {door.from}, for {lasts(door.minutes)} from now on. Then it closes by itself, also in
                    the middle of a connection.
                </Trans>
            </p>
            <Failure error={act.error} />
            {again.field(asked && act.error === null && !act.isPending)}
            <Ends close={close} go={t`Open for ${lasts(door.minutes)}`} busy={act.isPending} />
        </Box>
    );
}

function Refuse({ door, close }: { door: Door; close: () => void }) {
    const act = useDoorAct();
    const [why, setWhy] = useState('');
    const [asked, setAsked] = useState(false);
    const submit = () => {
        setAsked(true);
        if (why.trim() !== '' && !act.isPending) {
            act.mutate({ path: `/doors/${door.id}/refuse`, body: { why: why.trim() } }, { onSuccess: close });
        }
    };
    return (
        <Box title={t`Refuse ${door.device}`} close={close} submit={submit}>
            <Failure error={act.error} />
            <Textarea
                label={t`Why?`}
                description={t`${door.asked_by} reads it.`}
                rows={2}
                maxLength={500}
                autoComplete="off"
                value={why}
                onChange={(e) => setWhy(e.currentTarget.value)}
                error={asked && why.trim() === '' ? t`Write a few words.` : undefined}
                data-autofocus
            />
            <Ends close={close} go={t`Refuse`} busy={act.isPending} />
        </Box>
    );
}

/** What was seen at the device while the door was open. */
function Story({ door }: { door: Door }) {
    const [wanted, setWanted] = useState(false);
    const query = useDoor(wanted ? door.id : null);
    const ledger = useMay('ledger.read');
    return (
        <details onToggle={(e) => setWanted((was) => was || e.currentTarget.open)}>
            <summary>
                {plural(door.flows, { one: '# conversation seen', other: '# conversations seen' })}, {plural(door.changes, { one: '# change', other: '# changes' })}
            </summary>
            {wanted && query.data === undefined ? (
                <Loading what={t`this door`} rows={2} />
            ) : (
                query.data && (
                    <ul className="plain small">
                        {query.data.changed.map((x) => (
                            <li key={`${x.record} ${x.field}`}>
                                <Near at={x.time} />: <strong>{x.field}</strong> {x.before ?? '–'} → {x.after ?? '–'}
                            </li>
                        ))}
                        {query.data.seen.map((f) => (
                            <li key={`${f.record} ${f.from} ${f.to} ${f.port} ${f.began}`}>
                                <Near at={f.began} />:{' '}
                                <span className="mono break">
                                    {f.from} → {`${f.to}:${f.port}`}
                                </span>{' '}
                                {f.app ?? ''} {size(f.bytes_up + f.bytes_down)}
                            </li>
                        ))}
                        {query.data.seen.length + query.data.changed.length === 0 && (
                            <li>
                                <Trans>Nothing of it was seen. Conversations are told when they have ended.</Trans>
                            </li>
                        )}
                    </ul>
                )
            )}
            {ledger && (
                <Link href={`/ledger?record=${door.record}`} className="small">
                    <Trans>Record {count(door.record)}</Trans>
                </Link>
            )}
        </details>
    );
}

function CloseNow({ door }: { door: Door }) {
    const act = useDoorAct();
    const may = useMay('doors.close');
    return !may || door.state === 'closing' ? null : (
        <div className="acts">
            <Failure error={act.error} />
            <Button variant="default" loading={act.isPending} onClick={() => act.mutate({ path: `/doors/${door.id}/close`, body: {} }, { onSuccess: () => show({ text: t`The door to ${door.device} closes.` }) })}>
                <Trans>Close now</Trans>
            </Button>
        </div>
    );
}

function sentence(data: Doors, open: number): string {
    if (data.waiting > 0) {
        return plural(data.waiting, { one: 'One request waits for you.', other: '# requests wait for you.' });
    }
    return open > 0 ? plural(open, { one: 'One door is open.', other: '# doors are open.' }) : t`No door is open, and nobody asks for one.`;
}

export default function DoorsPage() {
    const query = useDoors();
    const lost = useLostAt();
    const me = useSession().data?.person.name;
    const decides = useMay('doors.approve');
    const [doing, setDoing] = useState<{ act: 'approve' | 'refuse'; id: string } | null>(null);
    const items = query.data?.items ?? [];
    const waiting = items.filter((d) => d.state === 'asked');
    const live = items.filter((d) => LIVE.includes(d.state));
    const past = items.filter((d) => d.state !== 'asked' && !LIVE.includes(d.state));
    const chosen = doing && items.find((d) => d.id === doing.id);
    const line = lost ? t`Unknown since ${clock(lost)}: not connected.` : query.data ? sentence(query.data, live.length) : t`Vendor access`;
    return (
        <>
            <Head name={t`Vendor access`} line={line} note={<Trans>A door is one port of one device, for one person and a time. Nothing else comes through.</Trans>} />
            {doing && chosen && (doing.act === 'approve' ? <Approve door={chosen} close={() => setDoing(null)} /> : <Refuse door={chosen} close={() => setDoing(null)} />)}
            {query.data && <FirewallSays firewall={query.data.firewall} />}
            <Panel title={t`Requests`}>
                <Asked what={t`the requests`} query={query} rows={3}>
                    {(data) =>
                        waiting.length === 0 ? (
                            <Empty title={t`Nobody waits.`}>
                                <p>
                                    <Trans>A maker’s engineer asks on the page My visit: which device, what for, how long. It shows here, and you open it with your fingerprint.</Trans>
                                </p>
                            </Empty>
                        ) : (
                            <ul className="relays">
                                {waiting.map((d) => (
                                    <DoorCard key={d.id} door={d}>
                                        {decides && d.asked_by !== me && (
                                            <div className="acts">
                                                <Button disabled={lost !== null || !data.firewall.on} onClick={() => setDoing({ act: 'approve', id: d.id })}>
                                                    <Trans>Open…</Trans>
                                                </Button>
                                                <Button variant="default" disabled={lost !== null} onClick={() => setDoing({ act: 'refuse', id: d.id })}>
                                                    <Trans>Refuse…</Trans>
                                                </Button>
                                            </div>
                                        )}
                                    </DoorCard>
                                ))}
                            </ul>
                        )
                    }
                </Asked>
            </Panel>
            {live.length > 0 && (
                <Panel title={t`Open doors`}>
                    <ul className="relays">
                        {live.map((d) => (
                            <DoorCard key={d.id} door={d}>
                                <CloseNow door={d} />
                            </DoorCard>
                        ))}
                    </ul>
                </Panel>
            )}
            {past.length > 0 && (
                <Panel title={t`Before`}>
                    <ul className="relays">
                        {past.map((d) => (
                            <DoorCard key={d.id} door={d}>
                                {d.opened_at !== null && <Story door={d} />}
                            </DoorCard>
                        ))}
                    </ul>
                </Panel>
            )}
        </>
    );
}
