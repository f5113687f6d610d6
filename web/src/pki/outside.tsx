// Our own end with a certificate of another authority (a request, and what comes of it), and another authority of the links, in three steps.

import { Select, TextInput } from '@mantine/core';
import { t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import { useState } from 'react';
import { Wrong } from '../pages/door';
import { Box, Ends } from '../parts/box';
import { save } from '../parts/save';
import { show } from '../parts/say';
import { useAgain } from '../sign/again';
import { useInstall, useRequest, useSucceed } from './ask';
import { PemField, Refused } from './forms';

function Which({ links, link, setLink, side, setSide }: { links: string[]; link: string; setLink: (v: string) => void; side: string; setSide: (v: string) => void }) {
    return (
        <>
            {links.length > 0 ? (
                <Select label={t`Link`} data={links} value={link} onChange={(v) => setLink(v ?? '')} allowDeselect={false} data-autofocus />
            ) : (
                <TextInput label={t`Link`} description={t`As lab.yaml names it.`} value={link} onChange={(e) => setLink(e.currentTarget.value)} maxLength={40} autoComplete="off" data-autofocus />
            )}
            <Select
                label={t`Our end toward`}
                data={[
                    { value: 'lis', label: t`LIS or middleware` },
                    { value: 'analyzer', label: t`Analyzer` },
                ]}
                value={side}
                onChange={(v) => setSide(v ?? 'lis')}
                allowDeselect={false}
            />
        </>
    );
}

export function Request({ links, close }: { links: string[]; close: () => void }) {
    const request = useRequest();
    const [link, setLink] = useState(links[0] ?? '');
    const [side, setSide] = useState('lis');
    const [names, setNames] = useState('');
    const clean = names
        .split(/[\s,]+/)
        .filter((n) => n !== '')
        .join(',');
    const submit = () => {
        if (link.trim() === '' || request.isPending) {
            return;
        }
        request.mutate(
            { link: link.trim(), side, ...(clean !== '' ? { names: clean } : {}) },
            {
                onSuccess: (pem) => {
                    save(pem, `${link.trim()}-${side}.csr`);
                    show({ text: t`The request was made and saved on this computer. Its key stays here.` });
                    close();
                },
            },
        );
    };
    return (
        <Box title={t`Request for another authority`} close={close} submit={submit}>
            <p>
                <Trans>
                    For a LIS that takes only what its own authority made. A new key is made for our end of the link, and a request. Have that authority make a certificate of it, then install it here. Until
                    then the present one is shown. A request that waits already is thrown away.
                </Trans>
            </p>
            {request.isError && (
                <Wrong>
                    <Refused error={request.error} />
                </Wrong>
            )}
            <Which links={links} link={link} setLink={setLink} side={side} setSide={setSide} />
            <TextInput
                label={t`Names (empty: this program's own)`}
                description={t`With commas between: lis.example, 10.0.5.9`}
                value={names}
                onChange={(e) => setNames(e.currentTarget.value)}
                maxLength={1000}
                autoComplete="off"
            />
            <Ends close={close} go={t`Make the request`} busy={request.isPending} ready={link.trim() !== ''} />
        </Box>
    );
}

export function Install({ links, close }: { links: string[]; close: () => void }) {
    const install = useInstall();
    const again = useAgain();
    const [link, setLink] = useState(links[0] ?? '');
    const [side, setSide] = useState('lis');
    const [certificate, setCertificate] = useState('');
    const [why, setWhy] = useState('');
    const ready = link.trim() !== '' && certificate.trim() !== '' && why.trim() !== '' && again.ready;
    const submit = () => {
        if (ready && !install.isPending) {
            install.mutate(
                { link: link.trim(), side, certificate: certificate.trim() + '\n', why: why.trim(), proof: again.proof },
                {
                    onSuccess: () => {
                        show({ text: t`New connections show it from now on.` });
                        close();
                    },
                    onSettled: again.clear,
                },
            );
        }
    };
    return (
        <Box title={t`Install a certificate of another authority`} close={close} submit={submit}>
            <p>
                <Trans>The certificate that was made of our request, its own first, then what made it. It is not renewed by itself: 30, 7 and 1 days before its end there is a finding.</Trans>
            </p>
            {install.isError && (
                <Wrong>
                    <Refused error={install.error} />
                </Wrong>
            )}
            <Which links={links} link={link} setLink={setLink} side={side} setSide={setSide} />
            <PemField label={t`Or paste the certificate`} like="-----BEGIN CERTIFICATE-----" accept=".pem,.crt,.cer,application/x-pem-file" most={65536} value={certificate} change={setCertificate} />
            <TextInput label={t`Why`} description={t`It is kept on the ledger.`} value={why} onChange={(e) => setWhy(e.currentTarget.value)} maxLength={400} autoComplete="off" />
            {again.field()}
            <Ends close={close} go={t`Install it`} busy={install.isPending} ready={ready} />
        </Box>
    );
}

export type Step = 'next' | 'switch' | 'drop';

export function Succeed({ step, close }: { step: Step; close: () => void }) {
    const succeed = useSucceed();
    const again = useAgain();
    const [why, setWhy] = useState('');
    const ready = why.trim() !== '' && again.ready;
    const title = step === 'next' ? t`Make another authority` : step === 'switch' ? t`Put the next authority in its place` : t`Take the former authority no more`;
    const done = step === 'next' ? t`Both are taken now. Save the authorities and install both at the other ends.` : step === 'switch' ? t`The next authority is the present one.` : t`The former authority is taken no more.`;
    const submit = () => {
        if (ready && !succeed.isPending) {
            succeed.mutate(
                { step, why: why.trim(), proof: again.proof },
                {
                    onSuccess: () => {
                        show({ text: done });
                        close();
                    },
                    onSettled: again.clear,
                },
            );
        }
    };
    return (
        <Box title={title} close={close} submit={submit}>
            <p>
                {step === 'next' ? (
                    <Trans>Step 1 of 3. Another authority is made and taken beside the present one: nothing else changes. Then install both at the other ends.</Trans>
                ) : step === 'switch' ? (
                    <Trans>
                        Step 2 of 3. Do this when the other ends take both. Our own certificates are made anew; the other ends enrol anew when it suits them, and are let in meanwhile. No connection is cut.
                    </Trans>
                ) : (
                    <Trans>Step 3 of 3. Whoever shows a certificate of the former authority is refused from now on. Do this when every other end has a new one.</Trans>
                )}
            </p>
            {succeed.isError && (
                <Wrong>
                    <Refused error={succeed.error} />
                </Wrong>
            )}
            <TextInput label={t`Why`} description={t`It is kept on the ledger.`} value={why} onChange={(e) => setWhy(e.currentTarget.value)} maxLength={400} autoComplete="off" data-autofocus />
            {again.field()}
            <Ends close={close} go={title} busy={succeed.isPending} ready={ready} />
        </Box>
    );
}
