// What is done about certificates, each in a window of its own: a new enrolment with its code, a request handed in, revoking, replacing.

import { Button, FileButton, Select, Textarea, TextInput } from '@mantine/core';
import { t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import { useState } from 'react';
import { Problem } from '../api/client';
import type { Certificate } from './types';
import { problem, Wrong } from '../pages/door';
import { Box, Ends, Once } from '../parts/box';
import { Mark } from '../parts/mark';
import { save } from '../parts/save';
import { show } from '../parts/say';
import { useAgain } from '../sign/again';
import { stamp } from '../time';
import { useEnrol, useHandIn, useReplace, useRevoke } from './ask';
import { holderWord, sideWord } from './words';

export function Refused({ error }: { error: unknown }) {
    if (error instanceof Problem && error.code === 'wrong-password') {
        return <Trans>Not done: that is not your password. This attempt is recorded.</Trans>;
    }
    if (error instanceof Problem && error.code === 'wrong-code') {
        return <Trans>No open enrolment has this code: it is wrong, was used, or has ended.</Trans>;
    }
    if (error instanceof Problem && error.code === 'offline') {
        return <Trans>Not done: Tourniquet did not answer. Try again in a moment.</Trans>;
    }
    return <span>{problem(error).detail}</span>;
}

/** The code, this once. */
function Code({ code, until, names, known, link, close, file = 'lis' }: { code: string; until: string; names: string; known: boolean; link: string; close: () => void; file?: string }) {
    const first = names.split(',')[0] ?? '';
    return (
        <Once title={t`The code`} secret={code} copy={t`Copy the code`} close={close}>
            {!known && (
                <p>
                    <Mark state="medium">
                        <Trans>lab.yaml has no link {link} that speaks TLS at this end: is the name right?</Trans>
                    </Mark>
                </p>
            )}
            <p>
                <Trans>
                    It is shown this once. Give it to whoever runs {first}, by telephone or in person. It is good for one certificate, until {stamp(until)}.
                </Trans>
            </p>
            <p>
                <Trans>There, a key is made that never leaves that system, and a request:</Trans>
            </p>
            <pre className="mono command">{`openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ${file}.key -subj /CN=${first} -out ${file}.csr`}</pre>
            <p>
                <Trans>The request comes back here (Hand in a request), or goes by program: docs/guide.md says how.</Trans>
            </p>
        </Once>
    );
}

export function Enrol({ links, close }: { links: string[]; close: () => void }) {
    const enrol = useEnrol();
    const [link, setLink] = useState(links.length === 1 ? (links[0] as string) : '');
    const [side, setSide] = useState('lis');
    const [names, setNames] = useState('');
    const [why, setWhy] = useState('');
    const again = useAgain();
    const clean = names.split(/[\s,]+/).filter((n) => n !== '').join(',');
    if (enrol.data) {
        return <Code code={enrol.data.code} until={enrol.data.until} known={enrol.data.known} link={link.trim()} names={clean} close={close} />;
    }
    const ready = link.trim() !== '' && clean !== '' && why.trim() !== '' && again.ready;
    const submit = () => {
        if (ready && !enrol.isPending) {
            enrol.mutate({ link: link.trim(), side, names: clean, why: why.trim(), proof: again.proof }, { onSettled: again.clear });
        }
    };
    return (
        <Box title={t`New enrolment`} close={close} submit={submit}>
            <p>
                <Trans>For the system at the other end of a link: a code, with which it gets a certificate for these names and no others.</Trans>
            </p>
            {enrol.isError && (
                <Wrong>
                    <Refused error={enrol.error} />
                </Wrong>
            )}
            <TextInput label={t`Link`} description={t`As lab.yaml names it.`} value={link} onChange={(e) => setLink(e.currentTarget.value)} maxLength={40} autoComplete="off" data-autofocus />
            <Select
                label={t`Which end`}
                data={[
                    { value: 'lis', label: t`LIS or middleware` },
                    { value: 'analyzer', label: t`Analyzer` },
                ]}
                value={side}
                onChange={(v) => setSide(v ?? 'lis')}
                allowDeselect={false}
            />
            <TextInput
                label={t`Names and addresses of that system`}
                description={t`With commas between: lis.example, 10.0.5.9`}
                value={names}
                onChange={(e) => setNames(e.currentTarget.value)}
                maxLength={1000}
                autoComplete="off"
            />
            <TextInput label={t`Why`} description={t`It is kept on the ledger.`} value={why} onChange={(e) => setWhy(e.currentTarget.value)} maxLength={400} autoComplete="off" />
            {again.field()}
            <Ends close={close} go={t`Make the code`} busy={enrol.isPending} ready={ready} />
        </Box>
    );
}

/** For a device that somebody vouched for: it shows its certificate to the switch (802.1X). */
export function EnrolDevice({ device, address, close }: { device: string; address: string; close: () => void }) {
    const enrol = useEnrol();
    const [names, setNames] = useState(address);
    const [why, setWhy] = useState('');
    const again = useAgain();
    const clean = names.split(/[\s,]+/).filter((n) => n !== '').join(',');
    if (enrol.data) {
        return <Code code={enrol.data.code} until={enrol.data.until} known link="" names={clean} close={close} file="device" />;
    }
    const ready = clean !== '' && why.trim() !== '' && again.ready;
    const submit = () => {
        if (ready && !enrol.isPending) {
            enrol.mutate({ device, names: clean, why: why.trim(), proof: again.proof }, { onSettled: again.clear });
        }
    };
    return (
        <Box title={t`A certificate for this device`} close={close} submit={submit}>
            <p>
                <Trans>With it the device shows the switch who it is (802.1X, EAP-TLS). It is revoked when the device is refused or retired.</Trans>
            </p>
            {enrol.isError && (
                <Wrong>
                    <Refused error={enrol.error} />
                </Wrong>
            )}
            <TextInput label={t`Its names and addresses`} description={t`With commas between: chem2.lab.example, 10.0.5.9`} value={names} onChange={(e) => setNames(e.currentTarget.value)} maxLength={1000} autoComplete="off" />
            <TextInput label={t`Why`} description={t`It is kept on the ledger.`} value={why} onChange={(e) => setWhy(e.currentTarget.value)} maxLength={400} autoComplete="off" data-autofocus />
            {again.field()}
            <Ends close={close} go={t`Make the code`} busy={enrol.isPending} ready={ready} />
        </Box>
    );
}

interface Pem {
    label: string;
    /** How it begins. */
    like: string;
    accept: string;
    most: number;
    value: string;
    change: (text: string) => void;
    /** What the chosen file is called. */
    named?: (name: string) => void;
}

/** A request or a certificate: from a file, or pasted. */
export function PemField({ label, like, accept, most, value, change, named }: Pem) {
    const take = (file: File | null) => {
        if (file !== null) {
            named?.(file.name);
            void file.slice(0, most).text().then(change);
        }
    };
    return (
        <div className="file">
            <FileButton onChange={take} accept={accept}>
                {(props) => (
                    <Button variant="default" {...props}>
                        <Trans>Choose the file</Trans>
                    </Button>
                )}
            </FileButton>
            <Textarea label={label} description={like} rows={4} value={value} onChange={(e) => change(e.currentTarget.value)} maxLength={most} autoComplete="off" spellCheck={false} classNames={{ input: 'mono' }} />
        </div>
    );
}

export function HandIn({ close }: { close: () => void }) {
    const hand = useHandIn();
    const [code, setCode] = useState('');
    const [request, setRequest] = useState('');
    const [name, setName] = useState('');
    const plain = code.replace(/\s+/g, '');
    const ready = /^[0-9A-Za-z-]{15,20}$/.test(plain) && request.trim() !== '';
    const submit = () => {
        if (!ready || hand.isPending) {
            return;
        }
        hand.mutate(
            { code: plain, request: request.trim() + '\n' },
            {
                onSuccess: (certificate) => {
                    save(certificate, `${name.replace(/\.[^.]*$/, '') || 'certificate'}.pem`);
                    show({ text: t`The certificate was made and saved on this computer. Bring it to the system that asked.` });
                    close();
                },
            },
        );
    };
    return (
        <Box title={t`Hand in a request`} close={close} submit={submit}>
            {hand.isError && (
                <Wrong>
                    <Refused error={hand.error} />
                </Wrong>
            )}
            <TextInput label={t`Code of the enrolment`} value={code} onChange={(e) => setCode(e.currentTarget.value)} maxLength={24} autoComplete="off" spellCheck={false} data-autofocus />
            <PemField
                label={t`Or paste the request`}
                like="-----BEGIN CERTIFICATE REQUEST-----"
                accept=".csr,.pem,.req,.p10,application/pkcs10"
                most={16384}
                value={request}
                change={setRequest}
                named={setName}
            />
            <Ends close={close} go={t`Get the certificate`} busy={hand.isPending} ready={ready} />
        </Box>
    );
}

export function Revoke({ certificate, close }: { certificate: Certificate; close: () => void }) {
    const revoke = useRevoke();
    const [why, setWhy] = useState('');
    const again = useAgain();
    const ready = why.trim() !== '' && again.ready;
    const who = holderWord(certificate);
    const submit = () => {
        if (ready && !revoke.isPending) {
            revoke.mutate(
                { serial: certificate.serial, why: why.trim(), proof: again.proof },
                {
                    onSuccess: () => {
                        show({ text: t`Revoked. No link takes it any more.` });
                        close();
                    },
                    onSettled: again.clear,
                },
            );
        }
    };
    return (
        <Box title={t`Revoke`} close={close} submit={submit}>
            <p>
                <strong>
                    {who} · {certificate.link}, {sideWord(certificate.side)}
                </strong>
            </p>
            <p>
                {certificate.holder === 'ours' ? (
                    <Trans>Nobody takes it any more from now on. A new key and certificate are made at once, and connections begin anew with them.</Trans>
                ) : (
                    <Trans>Nobody takes it any more from now on, and its connections are cut: results of this link wait until that system has another certificate. It cannot be undone.</Trans>
                )}
            </p>
            {revoke.isError && (
                <Wrong>
                    <Refused error={revoke.error} />
                </Wrong>
            )}
            <TextInput label={t`Why`} description={t`It is kept on the ledger.`} value={why} onChange={(e) => setWhy(e.currentTarget.value)} maxLength={400} autoComplete="off" data-autofocus />
            {again.field()}
            <Ends close={close} go={t`Revoke this certificate`} busy={revoke.isPending} ready={ready} />
        </Box>
    );
}

export function Replace({ certificate, close }: { certificate: Certificate; close: () => void }) {
    const replace = useReplace();
    const [why, setWhy] = useState('');
    const submit = () => {
        if (why.trim() !== '' && !replace.isPending) {
            replace.mutate(
                { serial: certificate.serial, why: why.trim() },
                {
                    onSuccess: () => {
                        show({ text: t`New connections use the new certificate.` });
                        close();
                    },
                },
            );
        }
    };
    return (
        <Box title={t`Replace`} close={close} submit={submit}>
            <p>
                <Trans>A new key and certificate are made for new connections; those that run go on. This happens by itself before a certificate ends.</Trans>
            </p>
            {replace.isError && (
                <Wrong>
                    <Refused error={replace.error} />
                </Wrong>
            )}
            <TextInput label={t`Why`} description={t`It is kept on the ledger.`} value={why} onChange={(e) => setWhy(e.currentTarget.value)} maxLength={400} autoComplete="off" data-autofocus />
            <Ends close={close} go={t`Replace it now`} busy={replace.isPending} ready={why.trim() !== ''} />
        </Box>
    );
}
