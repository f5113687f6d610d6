// What is done about certificates, each in a window of its own: a new enrolment with its code, a request handed in, revoking, replacing.

import { Button, CopyButton, FileButton, Modal, Select, Textarea, TextInput } from '@mantine/core';
import { t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import { useState, type FormEvent, type ReactNode } from 'react';
import { Problem } from '../api/client';
import type { Certificate } from '../api/types';
import { problem, Wrong } from '../pages/door';
import { Mark } from '../parts/mark';
import { save } from '../parts/save';
import { show } from '../parts/say';
import { useAgain } from '../sign/again';
import { stamp } from '../time';
import { said } from '../words';
import { useEnrol, useHandIn, useReplace, useRevoke } from './ask';
import { holderWord, sideWord } from './words';

function Refused({ error }: { error: unknown }) {
    if (error instanceof Problem && error.code === 'wrong-password') {
        return <Trans>Not done: that is not your password. This attempt is recorded.</Trans>;
    }
    if (error instanceof Problem && error.code === 'wrong-code') {
        return <Trans>No open enrolment has this code: it is wrong, was used, or has ended.</Trans>;
    }
    if (error instanceof Problem && error.code === 'offline') {
        return <Trans>Not done: Tourniquet did not answer. Try again in a moment.</Trans>;
    }
    return <span lang={said()}>{problem(error).detail}</span>;
}

function Ends({ close, go, busy, ready }: { close: () => void; go: string; busy: boolean; ready: boolean }) {
    return (
        <div className="acts" style={{ justifyContent: 'flex-end' }}>
            <Button variant="default" onClick={close}>
                <Trans>Cancel</Trans>
            </Button>
            <Button type="submit" loading={busy} disabled={!ready}>
                {go}
            </Button>
        </div>
    );
}

function Box({ title, close, children, submit }: { title: string; close: () => void; children: ReactNode; submit?: () => void }) {
    const go = (event: FormEvent) => {
        event.preventDefault();
        submit?.();
    };
    return (
        <Modal opened onClose={close} title={title} closeButtonProps={{ 'aria-label': t`Close` }}>
            <form onSubmit={go} className="ask">
                {children}
            </form>
        </Modal>
    );
}

/** The code, this once. */
function Code({ code, until, names, known, link, close }: { code: string; until: string; names: string; known: boolean; link: string; close: () => void }) {
    const first = names.split(',')[0] ?? '';
    return (
        <Box title={t`The code`} close={close}>
            <p className="mono code" data-testid="code">
                {code}
            </p>
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
            <pre className="mono command">{`openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout lis.key -subj /CN=${first} -out lis.csr`}</pre>
            <p>
                <Trans>The request comes back here (Hand in a request), or goes by program: docs/guide.md says how.</Trans>
            </p>
            <div className="acts" style={{ justifyContent: 'flex-end' }}>
                <CopyButton value={code}>
                    {({ copied, copy }) => (
                        <Button variant="default" onClick={copy}>
                            {copied ? t`Copied` : t`Copy the code`}
                        </Button>
                    )}
                </CopyButton>
                <Button onClick={close}>
                    <Trans>Done</Trans>
                </Button>
            </div>
        </Box>
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
    const take = (file: File | null) => {
        if (file === null) {
            return;
        }
        setName(file.name);
        void file
            .slice(0, 16384)
            .text()
            .then(setRequest);
    };
    return (
        <Box title={t`Hand in a request`} close={close} submit={submit}>
            {hand.isError && (
                <Wrong>
                    <Refused error={hand.error} />
                </Wrong>
            )}
            <TextInput label={t`Code of the enrolment`} value={code} onChange={(e) => setCode(e.currentTarget.value)} maxLength={24} autoComplete="off" spellCheck={false} data-autofocus />
            <div className="file">
                <FileButton onChange={take} accept=".csr,.pem,.req,.p10,application/pkcs10">
                    {(props) => (
                        <Button variant="default" {...props}>
                            <Trans>Choose the file</Trans>
                        </Button>
                    )}
                </FileButton>
                <Textarea
                    label={t`Or paste the request`}
                    description="-----BEGIN CERTIFICATE REQUEST-----"
                    rows={4}
                    value={request}
                    onChange={(e) => setRequest(e.currentTarget.value)}
                    maxLength={16384}
                    autoComplete="off"
                    spellCheck={false}
                    classNames={{ input: 'mono' }}
                />
            </div>
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
