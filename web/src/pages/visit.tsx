// My visit: what may I touch, until when? A maker's engineer asks for a door here.

import { Button, NativeSelect, Textarea, TextInput } from '@mantine/core';
import { plural, t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import { useState, type FormEvent } from 'react';
import { useChoices, useDoorAct, useDoors, type Choices } from '../doors/ask';
import { DoorCard, Failure, FirewallSays } from '../doors/parts';
import { lasts, serviceWord } from '../doors/words';
import { Head } from '../parts/head';
import { show } from '../parts/say';
import { Asked, Empty, Panel } from '../parts/states';

const TIMES = [15, 30, 60, 120, 240, 480];
const LIVE = ['asked', 'approved', 'open', 'closing'];

function Ask({ choices }: { choices: Choices }) {
    const act = useDoorAct();
    const [device, setDevice] = useState('');
    const [service, setService] = useState('rdp');
    const [port, setPort] = useState('');
    const [minutes, setMinutes] = useState('60');
    const [from, setFrom] = useState(choices.from ?? '');
    const [why, setWhy] = useState('');
    const [asked, setAsked] = useState(false);
    const chosen = device === '' && choices.devices.length === 1 ? (choices.devices[0]?.id ?? '') : device;
    const number = /^[0-9]{1,5}$/.test(port) && Number(port) > 0 && Number(port) < 65536;
    const good = chosen !== '' && why.trim() !== '' && from.trim() !== '' && (service !== 'port' || number);
    const submit = (event: FormEvent) => {
        event.preventDefault();
        setAsked(true);
        if (!good || act.isPending) {
            return;
        }
        const body: Record<string, string> = { device: chosen, service, minutes, from: from.trim(), why: why.trim() };
        if (service === 'port') {
            body.port = port;
        }
        act.mutate(
            { path: '/doors', body },
            {
                onSuccess: () => {
                    show({ text: t`The lab is asked. This page shows when the door opens.` });
                    setWhy('');
                    setAsked(false);
                },
            },
        );
    };
    if (choices.devices.length === 0) {
        return (
            <Empty title={choices.maker === null ? t`Your account does not say which maker you work for.` : t`This lab shows no device of ${choices.maker}.`}>
                <p>
                    <Trans>Ask the lab manager: it is said with your role, on the page People.</Trans>
                </p>
            </Empty>
        );
    }
    return (
        <form onSubmit={submit} className="ask inside">
            <Failure error={act.error} />
            <NativeSelect
                label={t`Device`}
                value={chosen}
                onChange={(e) => setDevice(e.currentTarget.value)}
                data={[...(choices.devices.length === 1 ? [] : [{ value: '', label: t`Choose one` }]), ...choices.devices.map((d) => ({ value: d.id, label: `${d.title} (${d.address})` }))]}
                error={asked && chosen === '' ? t`Choose a device.` : undefined}
            />
            <NativeSelect
                label={t`What for`}
                value={service}
                onChange={(e) => setService(e.currentTarget.value)}
                data={choices.services.map((s) => ({ value: s.name, label: s.name === 'port' ? t`Another port` : serviceWord(s.name, s.port) }))}
            />
            {service === 'port' && (
                <TextInput
                    label={t`Port (TCP)`}
                    inputMode="numeric"
                    autoComplete="off"
                    value={port}
                    onChange={(e) => setPort(e.currentTarget.value)}
                    error={asked && !number ? t`A number from 1 to 65535.` : undefined}
                />
            )}
            <NativeSelect
                label={t`How long`}
                value={minutes}
                onChange={(e) => setMinutes(e.currentTarget.value)}
                data={TIMES.filter((m) => m <= choices.minutes_most || m === TIMES[0]).map((m) => ({ value: String(m), label: lasts(m) }))}
            />
            <TextInput
                label={t`Address you come from`}
                description={t`Of your VPN or jump host: nothing else is let through.`}
                autoComplete="off"
                value={from}
                onChange={(e) => setFrom(e.currentTarget.value)}
                error={asked && from.trim() === '' ? t`Enter an address, such as 10.9.0.12.` : undefined}
            />
            <Textarea
                label={t`What is the work?`}
                description={t`The lab manager reads it, and it is kept. No names of patients.`}
                rows={2}
                maxLength={500}
                autoComplete="off"
                value={why}
                onChange={(e) => setWhy(e.currentTarget.value)}
                error={asked && why.trim() === '' ? t`Write a few words.` : undefined}
            />
            <div className="acts">
                <Button type="submit" loading={act.isPending} disabled={!choices.firewall.configured}>
                    <Trans>Ask for a door</Trans>
                </Button>
            </div>
        </form>
    );
}

function Withdraw({ id, open }: { id: string; open: boolean }) {
    const act = useDoorAct();
    return (
        <div className="acts">
            <Failure error={act.error} />
            <Button variant="default" loading={act.isPending} onClick={() => act.mutate({ path: `/doors/${id}/close`, body: {} })}>
                {open ? <Trans>I am done: close it</Trans> : <Trans>Withdraw</Trans>}
            </Button>
        </div>
    );
}

export default function VisitPage() {
    const query = useDoors();
    const choices = useChoices();
    const items = query.data?.items ?? [];
    const live = items.filter((d) => LIVE.includes(d.state));
    const open = live.filter((d) => d.state === 'open');
    const past = items.filter((d) => !LIVE.includes(d.state));
    const line = !query.data
        ? t`My visit`
        : open.length > 0
          ? plural(open.length, { one: 'One door is open for you.', other: '# doors are open for you.' })
          : live.length > 0
            ? t`The lab is asked.`
            : t`Nothing is open for you.`;
    return (
        <>
            <Head name={t`My visit`} line={line} note={<Trans>You reach what the lab opens for you, and only while it is open. What goes through is recorded.</Trans>} />
            {query.data && <FirewallSays firewall={query.data.firewall} />}
            {live.length > 0 && (
                <Panel title={t`Now`}>
                    <ul className="relays">
                        {live.map((d) => (
                            <DoorCard key={d.id} door={d}>
                                {d.state !== 'closing' && <Withdraw id={d.id} open={d.state === 'open'} />}
                            </DoorCard>
                        ))}
                    </ul>
                </Panel>
            )}
            <Panel title={t`Ask for a door`}>
                <Asked what={t`what you may ask for`} query={choices} rows={6}>
                    {(data) => <Ask choices={data} />}
                </Asked>
            </Panel>
            {past.length > 0 && (
                <Panel title={t`Before`}>
                    <ul className="relays">
                        {past.map((d) => (
                            <DoorCard key={d.id} door={d} />
                        ))}
                    </ul>
                </Panel>
            )}
        </>
    );
}
