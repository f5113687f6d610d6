// What a lab knows already, as a table: choose a file, see what would happen, then apply it. Nothing changes before that.

import { Button } from '@mantine/core';
import { plural, t } from '@lingui/core/macro';
import { Plural, Trans } from '@lingui/react/macro';
import { IconFileUpload } from '@tabler/icons-react';
import { useState } from 'react';
import { Link, useLocation } from 'wouter';
import { useLostAt } from '../api/connection';
import { useImport, useImportPreview } from '../api/queries';
import { Problem } from '../api/client';
import type { ImportAction as Action, ImportPreview } from '../device/types';
import { Head } from '../parts/head';
import { Imported, offerUndo } from '../parts/imported';
import { Mark, type State } from '../parts/mark';
import { Empty, Panel } from '../parts/states';
import { useTakeOut } from '../parts/takeout';
import { count } from '../time';
import { fieldValue, fieldWord } from '../words';
import { Wrong } from './door';

const COLUMNS = 'id, mac, ip, serial, name, hostname, owner, place, zone, criticality, role, maker, model, software, os, retired';
const BYTES = 1 << 20;
const ROWS = 100;

const LISTED: Action[] = ['error', 'ambiguous', 'create', 'change'];

function actionWord(action: Action): string {
    switch (action) {
        case 'create':
            return t`new`;
        case 'change':
            return t`changes`;
        case 'ambiguous':
            return t`in doubt`;
        case 'same':
            return t`as it is`;
        default:
            return t`not understood`;
    }
}
const stateOf: Record<Action, State> = { error: 'high', ambiguous: 'medium', create: 'low', change: 'low', same: 'good' };

function sentence({ counts }: ImportPreview): string {
    const { create, change } = counts;
    const left = counts.error + counts.ambiguous;
    const rest = left > 0 ? plural(left, { one: '# line is left out.', other: '# lines are left out.' }) : '';
    if (create + change === 0) {
        return left > 0 ? `${t`Nothing in this file can be taken over:`} ${rest}` : t`Nothing would change: all of it is known.`;
    }
    return `${plural(create, { 0: 'No new device', one: '# new device', other: '# new devices' })}, ${plural(change, { 0: 'none changed', one: '# changed', other: '# changed' })}${left > 0 ? `; ${rest}` : '.'}`;
}

type Row = ImportPreview['rows'][number];

function What({ row }: { row: Row }) {
    return (
        <>
            {row.reason !== null && <span>{row.reason}</span>}
            {row.candidates.length > 0 && (
                <>
                    {' '}
                    {row.candidates.map((c) => (
                        <Link key={c.id} href={`/devices/${c.id}`} className="row-link">
                            {c.title}{' '}
                        </Link>
                    ))}
                </>
            )}
            {row.changes.map((c) => (
                <span key={c.field} className="change">
                    <b>{fieldWord(c.field)}</b>: {c.from !== null && c.from !== '' && <s>{fieldValue(c.field, c.from)}</s>} {fieldValue(c.field, c.to)}
                </span>
            ))}
        </>
    );
}

function Rows({ preview }: { preview: ImportPreview }) {
    const [only, setOnly] = useState<Action | null>(null);
    const [most, setMost] = useState(ROWS);
    const { counts } = preview;
    const rows = preview.rows.filter((r) => only === null || r.action === only).sort((a, b) => LISTED.indexOf(a.action) - LISTED.indexOf(b.action) || a.line - b.line);
    const ignored = preview.columns.filter((c) => c === null).length;
    return (
        <>
            <div className="views filter" role="group" aria-label={t`Which lines`}>
                {[null, ...LISTED.filter((a) => counts[a] > 0)].map((a) => (
                    <button key={a ?? 'all'} type="button" aria-pressed={only === a} onClick={() => setOnly(a)}>
                        {a === null ? t`all` : actionWord(a)} {count(a === null ? preview.rows.length : counts[a])}
                    </button>
                ))}
            </div>
            {rows.length === 0 ? (
                <Empty title={t`No line would change anything.`} />
            ) : (
                <div className="scroll" tabIndex={0} role="group" aria-label={t`What the file would do`}>
                    <table>
                        <thead>
                            <tr>
                                <th scope="col" className="number">
                                    <Trans>Line</Trans>
                                </th>
                                <th scope="col">
                                    <Trans>Device</Trans>
                                </th>
                                <th scope="col">
                                    <Trans>What happens</Trans>
                                </th>
                                <th scope="col">
                                    <Trans>Why, or what</Trans>
                                </th>
                            </tr>
                        </thead>
                        <tbody>
                            {rows.slice(0, most).map((r) => (
                                <tr key={r.line}>
                                    <td className="number">{r.line}</td>
                                    <th scope="row">
                                        {r.device === null ? (
                                            r.title || '–'
                                        ) : (
                                            <Link href={`/devices/${r.device}`} className="row-link">
                                                {r.title}
                                            </Link>
                                        )}
                                    </th>
                                    <td>
                                        <Mark state={stateOf[r.action]}>{actionWord(r.action)}</Mark>
                                    </td>
                                    <td>
                                        <What row={r} />
                                    </td>
                                </tr>
                            ))}
                        </tbody>
                    </table>
                </div>
            )}
            <div className="pager">
                <span>
                    <Trans>
                        {count(Math.min(most, rows.length))} of {count(rows.length)} shown
                    </Trans>
                    {counts.same > 0 && (
                        <>
                            {' · '}
                            <Plural value={counts.same} one="# more changes nothing" other="# more change nothing" />
                        </>
                    )}
                    {ignored > 0 && (
                        <>
                            {' · '}
                            <Plural value={ignored} one="# column is not used" other="# columns are not used" />
                        </>
                    )}
                    {preview.cut && (
                        <>
                            {' · '}
                            <Trans>not all lines are listed</Trans>
                        </>
                    )}
                </span>
                {most < rows.length && (
                    <Button variant="default" onClick={() => setMost(most + 1000)}>
                        <Trans>Show more</Trans>
                    </Button>
                )}
            </div>
        </>
    );
}

export default function ImportPage() {
    const look = useImportPreview();
    const apply = useImport();
    const away = useLostAt() !== null;
    const [takeOut, asking] = useTakeOut();
    const [, go] = useLocation();
    const [file, setFile] = useState<File | null>(null);
    const tooBig = file !== null && file.size > BYTES;
    const preview = tooBig ? undefined : look.data;
    const change = preview ? preview.counts.create + preview.counts.change : 0;
    const choose = (chosen: File | undefined) => {
        if (chosen === undefined) {
            return;
        }
        apply.reset();
        look.reset();
        setFile(chosen);
        if (chosen.size <= BYTES) {
            look.mutate(chosen);
        }
    };
    const changed = apply.error instanceof Problem && apply.error.code === 'changed';
    const take = () =>
        preview &&
        file !== null &&
        apply.mutate({ token: preview.token, file }, {
            onSuccess: ({ saved, list }) => {
                offerUndo(plural(saved, { one: '# device taken over from the file.', other: '# devices taken over from the file.' }), list, go);
                go('/devices');
            },
        });
    return (
        <>
            <Head
                name={t`Import`}
                parent={
                    <Link href="/devices" className="quiet-link">
                        <Trans>Devices</Trans>
                    </Link>
                }
                line={preview ? sentence(preview) : <Trans>Bring the list that you have</Trans>}
                note={<Trans>Nothing changes until you apply it. What you say wins over what was seen.</Trans>}
            >
                {preview && change > 0 && (
                    <Button onClick={take} loading={apply.isPending} disabled={away}>
                        {plural(change, { one: 'Apply to # device', other: 'Apply to # devices' })}
                    </Button>
                )}
            </Head>
            {(look.isError || apply.isError || tooBig) && (
                <Wrong>
                    {tooBig ? (
                        <Trans>The file is larger than 1 MB. Take it in parts.</Trans>
                    ) : changed ? (
                        <>
                            <Trans>Not applied: something changed since you looked.</Trans>{' '}
                            <button type="button" className="link-button" onClick={() => choose(file ?? undefined)}>
                                <Trans>Look again</Trans>
                            </button>
                        </>
                    ) : (
                        (apply.error ?? look.error)?.message || <Trans>The program could not read the file.</Trans>
                    )}
                </Wrong>
            )}
            <Panel title={t`1. The file`}>
                <div className="inside file">
                    <label className="pick">
                        <IconFileUpload size={20} aria-hidden />
                        <span>
                            {file === null ? <Trans>Choose a CSV file</Trans> : file.name}
                        </span>
                        <input type="file" accept=".csv,text/csv" disabled={away || look.isPending} onChange={(e) => choose(e.currentTarget.files?.[0])} />
                    </label>
                    <p className="muted small">
                        <Trans>The first line names the columns, in any order. A device is found by id, mac, ip or serial, else by its name. Columns that are understood:</Trans> <span className="mono">{COLUMNS}</span>.{' '}
                        <button type="button" className="link-button" disabled={away} onClick={() => takeOut({ path: '/devices/export.csv', name: 'devices.csv', what: t`the inventory (${'CSV'})` })}>
                            <Trans>Start from what is known already</Trans>
                        </button>
                    </p>
                </div>
            </Panel>
            {preview && (
                <Panel title={t`2. What would happen`}>
                    <Rows preview={preview} />
                </Panel>
            )}
            {!preview && <Imported />}
            {asking}
        </>
    );
}
