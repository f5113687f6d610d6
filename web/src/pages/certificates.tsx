// With which certificates do links prove who they are, and when do these end?

import { Button } from '@mantine/core';
import { t } from '@lingui/core/macro';
import { Plural, Trans } from '@lingui/react/macro';
import { useState } from 'react';
import { useLostAt } from '../api/connection';
import type { Certificate, Certificates, OpenEnrolment } from '../pki/types';
import { useMay } from '../may';
import { Age } from '../parts/age';
import { Head } from '../parts/head';
import { Mark } from '../parts/mark';
import { save } from '../parts/save';
import { show } from '../parts/say';
import { Asked, Empty, Panel } from '../parts/states';
import { pem, useCertificates, useWithdraw } from '../pki/ask';
import { Enrol, HandIn, Replace, Revoke } from '../pki/forms';
import { Install, Request, Succeed, type Step } from '../pki/outside';
import { forWord, holderWord, isOver, sentence, sideWord, stateOf } from '../pki/words';
import { count, day, stamp } from '../time';
import { problem } from './door';

type Doing = { what: 'enrol' | 'hand-in' | 'request' | 'install' } | { what: 'succeed'; step: Step } | { what: 'revoke' | 'replace'; certificate: Certificate } | null;

const fetchPem = (path: string, name: string) =>
    pem(path).then(
        (bytes) => save(bytes, name),
        (error: unknown) => show({ text: problem(error).detail || t`Tourniquet did not answer.` }),
    );

function Whose({ certificate }: { certificate: Certificate }) {
    return (
        <>
            <strong className="break">{holderWord(certificate)}</strong>{' '}
            <span className="muted">
                · {forWord(certificate)}
            </span>
        </>
    );
}

function Dates({ certificate: c }: { certificate: Certificate }) {
    return (
        <p className="muted">
            {c.state === 'expired' ? <Trans>It ended on {day(c.not_after)}.</Trans> : <Trans>It ends on {day(c.not_after)}.</Trans>}{' '}
            {c.renew_at !== null && c.state === 'in-force' && <Trans>The next one is made by itself on {day(c.renew_at)}.</Trans>}
            {c.issuer === 'outside' && <Trans>Made by another authority.</Trans>}
        </p>
    );
}

function Row({ certificate, does }: { certificate: Certificate; does: (doing: Doing) => void }) {
    const manages = useMay('certificate.manage');
    const away = useLostAt() !== null;
    const { state, word } = stateOf(certificate);
    const who = holderWord(certificate);
    return (
        <li>
            <div className="what">
                <Whose certificate={certificate} />
                <p>
                    <Mark state={state}>{word}</Mark>
                </p>
                <Dates certificate={certificate} />
                <p className="muted small mono break">{certificate.serial}</p>
            </div>
            <div className="acts">
                {certificate.issuer === 'own' && (
                    <Button variant="default" onClick={() => void fetchPem(`/certificates/${certificate.serial}/chain`, `${certificate.side === 'device' ? certificate.names.split(',')[0] : certificate.link}-${certificate.side}.pem`)} aria-label={t`Save the certificate of ${who}, ${forWord(certificate)}`}>
                        <Trans>Save</Trans>
                    </Button>
                )}
                {manages && certificate.issuer === 'own' && certificate.holder === 'ours' && (
                    <Button variant="default" disabled={away} onClick={() => does({ what: 'replace', certificate })} aria-label={t`Replace the certificate of ${certificate.link}, ${sideWord(certificate.side)}`}>
                        <Trans>Replace…</Trans>
                    </Button>
                )}
                {manages && (
                    <Button variant="default" disabled={away} onClick={() => does({ what: 'revoke', certificate })} aria-label={t`Revoke the certificate of ${who}, ${forWord(certificate)}`}>
                        <Trans>Revoke…</Trans>
                    </Button>
                )}
            </div>
        </li>
    );
}

function OverRow({ certificate }: { certificate: Certificate }) {
    const { word } = stateOf(certificate);
    const act = certificate.revoked ?? certificate.made;
    return (
        <li>
            <div className="what">
                <Whose certificate={certificate} />
                <p>
                    {word}
                    {certificate.revoked !== null && (
                        <>
                            {' '}
                            <Age at={certificate.revoked.at} />
                        </>
                    )}
                    {certificate.revoked?.by && <> · {certificate.revoked.by}</>}
                </p>
                {certificate.revoked?.why && <p className="break">“{certificate.revoked.why}”</p>}
            </div>
            {act !== null && act.record !== null && (
                <span className="muted">
                    <Trans>record {count(act.record)}</Trans>
                </span>
            )}
        </li>
    );
}

function EnrolmentRow({ enrolment }: { enrolment: OpenEnrolment }) {
    const withdraw = useWithdraw();
    const manages = useMay('certificate.manage');
    const away = useLostAt() !== null;
    return (
        <li>
            <div className="what">
                <strong className="break">{enrolment.names.replaceAll(',', ', ')}</strong>{' '}
                <span className="muted">
                    · {forWord(enrolment)}
                </span>
                <p className="muted">
                    <Trans>Waits for a request until {stamp(enrolment.until)}.</Trans>
                </p>
            </div>
            {manages && (
                <div className="acts">
                    <Button variant="default" disabled={away} loading={withdraw.isPending} onClick={() => withdraw.mutate(enrolment.id)} aria-label={t`Withdraw the enrolment of ${enrolment.names}`}>
                        <Trans>Withdraw</Trans>
                    </Button>
                </div>
            )}
        </li>
    );
}

function Authority({ all, does }: { all: Certificates; does: (doing: Doing) => void }) {
    const manages = useMay('certificate.manage');
    const away = useLostAt() !== null;
    const authority = all.authority;
    if (authority === null) {
        return (
            <Empty title={t`There is no authority yet.`}>
                <Trans>It makes itself when a link speaks TLS for the first time.</Trans>
            </Empty>
        );
    }
    return (
        <div className="inside">
            <dl className="facts">
                <dt>
                    <Trans>Name</Trans>
                </dt>
                <dd className="break">{authority.subject}</dd>
                <dt>
                    <Trans>Ends</Trans>
                </dt>
                <dd>{day(authority.not_after)}</dd>
                <dt>
                    <Trans>Fingerprint (SHA-256)</Trans>
                </dt>
                <dd className="mono break">{authority.fingerprint}</dd>
                {authority.next && (
                    <>
                        <dt>
                            <Trans>Next one</Trans>
                        </dt>
                        <dd className="mono break">{authority.next.fingerprint}</dd>
                    </>
                )}
                {authority.former && (
                    <>
                        <dt>
                            <Trans>Former one, still taken</Trans>
                        </dt>
                        <dd className="mono break">{authority.former.fingerprint}</dd>
                    </>
                )}
            </dl>
            <div className="acts">
                <Button variant="default" onClick={() => void fetchPem('/pki/authority', 'links-authority.pem')}>
                    <Trans>Save the authority</Trans>
                </Button>
                <Button variant="default" onClick={() => void fetchPem('/pki/crl', 'links-revoked.pem')}>
                    <Trans>Save what is revoked (CRL)</Trans>
                </Button>
                {manages && !authority.next && !authority.former && (
                    <Button variant="default" disabled={away} onClick={() => does({ what: 'succeed', step: 'next' })}>
                        <Trans>Another authority…</Trans>
                    </Button>
                )}
                {manages && authority.next && (
                    <Button variant="default" disabled={away} onClick={() => does({ what: 'succeed', step: 'switch' })}>
                        <Trans>Put the next one in its place…</Trans>
                    </Button>
                )}
                {manages && authority.former && (
                    <Button variant="default" disabled={away} onClick={() => does({ what: 'succeed', step: 'drop' })}>
                        <Trans>Take the former one no more…</Trans>
                    </Button>
                )}
            </div>
        </div>
    );
}

const OVER_SHOWN = 20;

export default function CertificatesPage() {
    const query = useCertificates();
    const manages = useMay('certificate.manage');
    const away = useLostAt() !== null;
    const [doing, setDoing] = useState<Doing>(null);
    const all = query.data;
    const links = [...new Set((all?.items ?? []).filter((c) => c.side !== 'device').map((c) => c.link))];
    const over = (all?.items ?? []).filter(isOver);
    const close = () => setDoing(null);
    return (
        <>
            <Head
                name={t`Certificates`}
                line={all ? sentence(all) : t`Certificates`}
                note={<Trans>With them, both ends of a link prove who they are. This program's own are made and renewed by themselves.</Trans>}
            >
                {manages && (
                    <>
                        <Button disabled={away} onClick={() => setDoing({ what: 'enrol' })}>
                            <Trans>New enrolment</Trans>
                        </Button>
                        <Button variant="default" disabled={away} onClick={() => setDoing({ what: 'hand-in' })}>
                            <Trans>Hand in a request</Trans>
                        </Button>
                    </>
                )}
            </Head>
            <Panel title={t`In use`}>
                <Asked what={t`the certificates`} query={query} rows={4}>
                    {(data) => {
                        const now = data.items.filter((c) => !isOver(c));
                        return now.length === 0 ? (
                            <Empty title={t`None.`}>
                                <Trans>A link gets one when its TLS is switched on in lab.yaml; the system at its other end gets one by an enrolment.</Trans>
                            </Empty>
                        ) : (
                            <ul className="kept">
                                {now.map((c) => (
                                    <Row key={c.serial + c.link + c.side} certificate={c} does={setDoing} />
                                ))}
                            </ul>
                        );
                    }}
                </Asked>
            </Panel>
            {all && all.enrolments.length > 0 && (
                <Panel title={t`Open enrolments`}>
                    <ul className="kept">
                        {all.enrolments.map((e) => (
                            <EnrolmentRow key={e.id} enrolment={e} />
                        ))}
                    </ul>
                </Panel>
            )}
            {all && (
                <Panel title={t`Authority of the links`}>
                    <Authority all={all} does={setDoing} />
                </Panel>
            )}
            {manages && (
                <Panel title={t`Our end, by another authority`}>
                    <div className="inside">
                        <p>
                            <Trans>Where the LIS takes only what its own authority made: a request for our end of the link goes there, and what comes back is installed here.</Trans>
                        </p>
                        <div className="acts">
                            <Button variant="default" disabled={away} onClick={() => setDoing({ what: 'request' })}>
                                <Trans>Make a request…</Trans>
                            </Button>
                            <Button variant="default" disabled={away} onClick={() => setDoing({ what: 'install' })}>
                                <Trans>Install what came back…</Trans>
                            </Button>
                        </div>
                    </div>
                </Panel>
            )}
            {over.length > 0 && (
                <Panel title={t`No longer in use`}>
                    <ul className="kept">
                        {over.slice(0, OVER_SHOWN).map((c) => (
                            <OverRow key={c.serial} certificate={c} />
                        ))}
                    </ul>
                    {over.length > OVER_SHOWN && (
                        <p className="panel-foot muted">
                            <Plural value={over.length - OVER_SHOWN} one="# older one" other="# older ones" />
                        </p>
                    )}
                </Panel>
            )}
            {doing?.what === 'enrol' && <Enrol links={links} close={close} />}
            {doing?.what === 'hand-in' && <HandIn close={close} />}
            {doing?.what === 'request' && <Request links={links} close={close} />}
            {doing?.what === 'install' && <Install links={links} close={close} />}
            {doing?.what === 'succeed' && <Succeed step={doing.step} close={close} />}
            {doing?.what === 'revoke' && <Revoke certificate={doing.certificate} close={close} />}
            {doing?.what === 'replace' && <Replace certificate={doing.certificate} close={close} />}
        </>
    );
}
