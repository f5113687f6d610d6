// Mails that people were not sure about: for whoever decides.

import { Button } from '@mantine/core';
import { plural, t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import { useState } from 'react';
import { Link } from 'wouter';
import type { Mail } from '../mail/types';
import { useIndicators, useMails } from '../mail/ask';
import { indicatorWord, stateOf, verdictOf } from '../mail/words';
import { Age } from '../parts/age';
import { Head } from '../parts/head';
import { useHeld } from '../parts/held';
import { Newer, Pager } from '../parts/list';
import { Mark } from '../parts/mark';
import { Choice } from '../parts/settings';
import { Asked, Empty, Panel } from '../parts/states';
import { useParams } from '../parts/url';

const DEFAULTS = { state: 'waiting', cursor: '' };

function Row({ mail }: { mail: Mail }) {
    const verdict = mail.state === 'waiting' ? verdictOf(mail.verdict) : stateOf(mail);
    const first = mail.reasons.find((r) => r.against);
    return (
        <li>
            <Link href={`/mail/${mail.id}`} className="card" data-row>
                <span className="line">
                    <Mark state={verdict.mark}>{verdict.word}</Mark>
                    <Age at={mail.time} />
                </span>
                <strong className="break">{mail.sender ?? t`A mail without a sender`}</strong>
                {first && <span className="break">{first.text}</span>}
                <span className="line small muted">
                    <span>
                        <Trans>asked by {mail.display_name ?? mail.person}</Trans>
                    </span>
                    {mail.files > 0 && <span>{plural(mail.files, { one: '# attachment', other: '# attachments' })}</span>}
                    {mail.links > 0 && <span>{plural(mail.links, { one: '# link', other: '# links' })}</span>}
                </span>
            </Link>
        </li>
    );
}

function lineOne(state: string, total: number): string {
    if (state === 'waiting') {
        return total === 0 ? t`No mail waiting.` : plural(total, { one: '# mail waits for a decision.', other: '# mails wait for a decision.' });
    }
    return plural(total, { one: '# mail.', other: '# mails.' });
}

function Kept() {
    const [open, setOpen] = useState(false);
    const query = useIndicators('');
    const total = query.data?.total ?? 0;
    return (
        <Panel title={t`What confirmed attacks are known by`}>
            <Asked what={t`the indicators`} query={query} rows={2}>
                {(page) =>
                    page.items.length === 0 ? (
                        <Empty title={t`No attack has been confirmed yet.`}>
                            <Trans>When you confirm one, its hosts, senders and attachments are kept: the next mail with one of them is known at once.</Trans>
                        </Empty>
                    ) : (
                        <>
                            <ul className="cards">
                                {(open ? page.items : page.items.slice(0, 5)).map((i) => (
                                    <li key={`${i.kind} ${i.value}`} className="card">
                                        <span className="line">
                                            <span className="mono break">{i.value}</span>
                                            <Age at={i.time} />
                                        </span>
                                        <span className="small muted">{indicatorWord(i.kind)}</span>
                                    </li>
                                ))}
                            </ul>
                            {!open && page.items.length > 5 && (
                                <div className="inside">
                                    <Button variant="default" onClick={() => setOpen(true)}>
                                        <Trans>Show more of {total}</Trans>
                                    </Button>
                                </div>
                            )}
                        </>
                    )
                }
            </Asked>
        </Panel>
    );
}

export default function MailPage() {
    const [filter, change] = useParams(DEFAULTS);
    const query = useMails({ state: filter.state === 'all' ? '' : filter.state, mine: '', cursor: filter.cursor });
    const held = useHeld(query.isPlaceholderData ? undefined : query.data?.items, JSON.stringify(filter), (m) => m.id);
    return (
        <>
            <Head name={t`Mail`} line={query.data ? lineOne(filter.state, query.data.total) : t`Mail`} note={<Trans>Is this dangerous? Look, decide, answer in a sentence. Whoever asked reads it.</Trans>} />
            <div className="tools">
                <Choice
                    label={t`Which mails`}
                    value={filter.state}
                    options={[
                        ['waiting', t`Waiting`],
                        ['dangerous', t`Attacks`],
                        ['harmless', t`Harmless`],
                        ['all', t`All`],
                    ]}
                    change={(state) => change({ state, cursor: '' })}
                />
            </div>
            <Panel title={t`Newest first`} aside={<Newer newer={filter.cursor === '' ? held.newer : 0} show={held.show} />}>
                <Asked what={t`the mails`} query={query} rows={5}>
                    {(page) =>
                        page.items.length === 0 ? (
                            <Empty title={filter.state === 'waiting' ? t`No mail waiting.` : t`None.`}>
                                <Trans>Anybody can ask about a mail on the page Report.</Trans>
                            </Empty>
                        ) : (
                            <ul className="cards">
                                {held.rows.map((mail) => (
                                    <Row key={mail.id} mail={mail} />
                                ))}
                            </ul>
                        )
                    }
                </Asked>
                {query.data && held.rows.length > 0 && (
                    <Pager shown={held.rows.length} total={query.data.total} first={filter.cursor === ''} next={query.data.next} change={(cursor) => change({ cursor })} />
                )}
            </Panel>
            <Kept />
        </>
    );
}
