// Which of the devices that were there in the first days do we know? All of them with one reason, those left out that somebody does not know.

import { Button, TextInput } from '@mantine/core';
import { plural, t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import { useEffect, useState } from 'react';
import { Link } from 'wouter';
import { useLearnt } from '../api/queries';
import { useLostAt } from '../api/connection';
import { Age } from '../parts/age';
import { Head } from '../parts/head';
import { Empty, Failed, Loading, Panel } from '../parts/states';
import { day } from '../time';
import { roleWord } from '../words';
import { problem, Wrong } from './door';

export default function VouchPage() {
    const preview = useLearnt();
    const run = useLearnt();
    const away = useLostAt() !== null;
    const [why, setWhy] = useState('');
    const [left, setLeft] = useState<Set<string>>(new Set());
    const look = preview.mutate;
    useEffect(() => look({}), [look]);
    const data = preview.data;
    const chosen = data ? data.total - left.size : 0;
    const toggle = (id: string) => {
        const next = new Set(left);
        if (!next.delete(id)) {
            next.add(id);
        }
        setLeft(next);
    };
    const submit = () => {
        if (data?.token && why.trim() !== '') {
            run.mutate({ token: data.token, why: why.trim(), except: [...left].join(',') });
        }
    };
    const again = () => {
        run.reset();
        setLeft(new Set());
        look({});
    };
    const parent = (
        <Link href="/devices" className="quiet-link">
            <Trans>Devices</Trans>
        </Link>
    );
    if (run.data) {
        const saved = run.data.saved ?? 0;
        return (
            <>
                <Head name={t`Vouch for many`} parent={parent} line={plural(saved, { one: '# device is vouched for.', other: '# devices are vouched for.' })} />
                <Panel title={t`What now?`}>
                    <div className="inside">
                        <p>
                            <Link href="/devices?admission=waiting" className="target">
                                <Trans>See what still waits</Trans>
                            </Link>
                        </p>
                    </div>
                </Panel>
            </>
        );
    }
    return (
        <>
            <Head
                name={t`Vouch for many`}
                parent={parent}
                line={
                    !data
                        ? t`Devices of the first days`
                        : data.total === 0
                          ? t`Of the first days, no device waits any more.`
                          : plural(data.total, { one: '# device of the first days waits for somebody to vouch for it.', other: '# devices of the first days wait for somebody to vouch for them.' })
                }
                note={data?.learning_until && <Trans>Those first seen until {day(data.learning_until)}. What comes later is vouched for one by one.</Trans>}
            />
            {preview.isError && <Failed what={t`the devices`} error={preview.error} again={again} />}
            {preview.isPending && <Loading what={t`the devices`} rows={10} />}
            {data && data.total === 0 && (
                <Panel title={t`Devices`}>
                    <Empty title={t`Nothing to vouch for here.`}>
                        <Trans>A device that comes later is vouched for on its own page.</Trans>
                    </Empty>
                </Panel>
            )}
            {data && data.total > 0 && (
                <>
                    <Panel title={t`Take the mark away from what you do not know`}>
                        <ul className="kept">
                            {data.items.map((d) => (
                                <li key={d.id}>
                                    <div className="what">
                                        <label className="tick">
                                            <input type="checkbox" checked={!left.has(d.id)} onChange={() => toggle(d.id)} />
                                            <span className="break">
                                                <b>{d.title}</b> <span className="muted">{d.role === 'unknown' ? t`nobody knows what it is` : roleWord(d.role)}</span>
                                            </span>
                                        </label>
                                        <p className="muted">
                                            <span className="mono">{[d.ip[0], d.mac[0]].filter((x) => x !== undefined).join(' · ')}</span> · <Age at={d.first_seen} />
                                        </p>
                                    </div>
                                    <Link href={`/devices/${d.id}`} className="target" aria-label={t`Look at it: ${d.title}`}>
                                        <Trans>Look at it</Trans>
                                    </Link>
                                </li>
                            ))}
                        </ul>
                        {data.cut && (
                            <p className="panel-foot muted">
                                <Trans>More than are shown: vouch for them with the command line, or one by one.</Trans>
                            </p>
                        )}
                    </Panel>
                    <Panel title={t`Your word`}>
                        <div className="inside">
                            {run.isError && (
                                <Wrong>
                                    <span>{problem(run.error).detail}</span>{' '}
                                    <button type="button" className="link-button" onClick={again}>
                                        <Trans>Look again</Trans>
                                    </button>
                                </Wrong>
                            )}
                            <TextInput label={t`Why`} description={t`It is kept on the ledger.`} value={why} onChange={(e) => setWhy(e.currentTarget.value)} maxLength={400} autoComplete="off" />
                            <div className="acts" style={{ marginTop: 12 }}>
                                <Button disabled={away || why.trim() === '' || chosen === 0 || data.cut} loading={run.isPending} onClick={submit}>
                                    {plural(chosen, { one: 'Vouch for # device', other: 'Vouch for # devices' })}
                                </Button>
                            </div>
                        </div>
                    </Panel>
                </>
            )}
        </>
    );
}
