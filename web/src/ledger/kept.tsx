// How the record is kept: keys and their age, backups and their last test, room on the disk and what goes first.

import { Button, TextInput } from '@mantine/core';
import { t } from '@lingui/core/macro';
import { Plural, Trans } from '@lingui/react/macro';
import { useState } from 'react';
import { useLostAt } from '../api/connection';
import type { Backup, Backups, Disk, Keys } from './types';
import { useMay } from '../may';
import { problem, Wrong } from '../pages/door';
import { Age } from '../parts/age';
import { Mark, type State } from '../parts/mark';
import { show } from '../parts/say';
import { Empty } from '../parts/states';
import { useAgain } from '../sign/again';
import { count, day, size, useNow } from '../time';
import { useBackup, useBackups, useDisk, useKeys, useRotate } from './ask';
import { Soft } from './soft';

// ── keys ──

function sourceWord(source: Keys['source']): string {
    switch (source) {
        case 'passphrase':
            return t`A passphrase`;
        case 'credential':
            return t`A credential of this machine (TPM)`;
        default:
            return t`A file on this machine`;
    }
}

/** Exchanging keys asks for a reason, and says what it does; nothing happens at the first click. */
function Rotate() {
    const rotate = useRotate();
    const away = useLostAt() !== null;
    const [why, setWhy] = useState<string | null>(null);
    const again = useAgain();
    if (why === null) {
        return (
            <Button variant="default" onClick={() => setWhy('')} disabled={away}>
                <Trans>Exchange the keys…</Trans>
            </Button>
        );
    }
    const go = () =>
        rotate.mutate(
            { why: why.trim(), proof: again.proof },
            {
                onSettled: again.clear,
                onSuccess: () => {
                    setWhy(null);
                    show({ text: t`New keys seal the record from now on.` });
                },
            },
        );
    return (
        <div className="rotate">
            <p>
                <Trans>From now on new keys seal the record. What was recorded stays readable, nothing stops, and the exchange is recorded. It cannot be undone.</Trans>
            </p>
            <TextInput label={t`Reason`} value={why} onChange={(e) => setWhy(e.currentTarget.value)} maxLength={200} />
            {again.field()}
            {rotate.isError && (
                <Wrong>
                    <span>{problem(rotate.error).detail}</span>
                </Wrong>
            )}
            <div className="acts">
                <Button variant="default" onClick={() => setWhy(null)} autoFocus>
                    <Trans>Cancel</Trans>
                </Button>
                <Button onClick={go} disabled={away || why.trim() === '' || !again.ready} loading={rotate.isPending}>
                    <Trans>Exchange the keys</Trans>
                </Button>
            </div>
        </div>
    );
}

function KeyFacts({ keys }: { keys: Keys }) {
    const manages = useMay('keys.manage');
    return (
        <div className="inside">
            {keys.at_risk !== null && (
                <p>
                    <Mark state="medium">
                        <Trans>
                            This does not keep out <span>{keys.at_risk}</span>
                        </Trans>
                    </Mark>
                </p>
            )}
            <dl className="facts">
                <dt>
                    <Trans>Root key</Trans>
                </dt>
                <dd>{sourceWord(keys.source)}</dd>
                {keys.protects.length > 0 && (
                    <>
                        <dt>
                            <Trans>Protects against</Trans>
                        </dt>
                        <dd>{keys.protects.join(', ')}</dd>
                    </>
                )}
                <dt>
                    <Trans>Made</Trans>
                </dt>
                <dd>
                    <Age at={keys.made} />
                </dd>
                <dt>
                    <Trans>Last exchanged</Trans>
                </dt>
                <dd>{keys.rotated_at === null ? <Trans>never</Trans> : <Age at={keys.rotated_at} />}</dd>
                <dt>
                    <Trans>Recovery key</Trans>
                </dt>
                <dd>
                    {keys.recovery.made === null ? (
                        <Mark state="high">
                            <Trans>none: a lost root key would be the end</Trans>
                        </Mark>
                    ) : (
                        <>
                            <Trans>made</Trans> <Age at={keys.recovery.made} short />, {keys.recovery.tested === null ? <Trans>never tried</Trans> : <Trans>tried</Trans>}{' '}
                            {keys.recovery.tested !== null && <Age at={keys.recovery.tested} short />}
                        </>
                    )}
                </dd>
                <dt>
                    <Trans>Keys of patients and periods</Trans>
                </dt>
                <dd>{count(keys.period_keys)}</dd>
                <dt>
                    <Trans>Erased</Trans>
                </dt>
                <dd>
                    {count(keys.erased)}
                    {keys.last_erasure !== null && (
                        <>
                            {' '}
                            · <Age at={keys.last_erasure} />
                        </>
                    )}
                </dd>
            </dl>
            {manages && <Rotate />}
            <p className="muted small">
                <Trans>A patient&apos;s keys are erased, and the recovery key is made, at the machine: tourniquet help keys.</Trans>
            </p>
        </div>
    );
}

export function KeysPanel() {
    return (
        <Soft title={t({ message: 'Keys', context: 'that seal the record' })} what={t`the keys`} query={useKeys()} rows={5}>
            {(keys) => <KeyFacts keys={keys} />}
        </Soft>
    );
}

// ── backups ──

function tested(backup: Backup): [State, string] {
    return backup.holds === null ? ['unknown', t`Not tested`] : backup.holds ? ['good', t`Restores`] : ['critical', t`Does not restore`];
}

function BackupRow({ backup, manages, busy }: { backup: Backup; manages: boolean; busy: boolean }) {
    const act = useBackup();
    const away = useLostAt() !== null;
    const [state, word] = tested(backup);
    return (
        <li>
            <div className="what">
                <p className="line">
                    <Mark state={state}>{word}</Mark>
                    <Age at={backup.at} />
                </p>
                <p>
                    <Trans>{count(backup.records)} records</Trans> · {size(backup.bytes)} · <span className="mono">{backup.where}</span>
                </p>
                {backup.why !== null && <p>{backup.why}</p>}
                {act.isError && (
                    <Wrong>
                        <span>{problem(act.error).detail}</span>
                    </Wrong>
                )}
            </div>
            {manages && (
                <div className="acts">
                    <Button variant="default" disabled={away || busy} loading={act.isPending} onClick={() => act.mutate(backup.id)}>
                        <Trans>Test it</Trans>
                    </Button>
                </div>
            )}
        </li>
    );
}

function BackupList({ backups }: { backups: Backups }) {
    const manages = useMay('backup.manage');
    const busy = Boolean(backups.doing);
    return (
        <>
            {(backups.due !== null || busy || backups.failed) && (
                <div className="inside">
                    {backups.due !== null && (
                        <p>
                            <Mark state="medium">
                                <span>{backups.due}</span>
                            </Mark>
                        </p>
                    )}
                    {backups.failed && (
                        <p>
                            <Mark state="high">
                                <span>{backups.failed.why}</span>
                            </Mark>
                        </p>
                    )}
                    {busy && <div className="progress" role="progressbar" aria-label={t`A backup is being made or tested`} />}
                </div>
            )}
            {backups.items.length === 0 ? (
                <Empty title={t`There is no backup.`}>
                    <Trans>If this machine is lost, the record is lost with it.</Trans>
                </Empty>
            ) : (
                <ul className="kept">
                    {backups.items.slice(0, 3).map((b) => (
                        <BackupRow key={b.id} backup={b} manages={manages} busy={busy} />
                    ))}
                </ul>
            )}
            {backups.items.length > 3 && (
                <p className="panel-foot muted">
                    <Plural value={backups.items.length - 3} one="# older one" other="# older ones" />
                </p>
            )}
        </>
    );
}

export function BackupsPanel() {
    const query = useBackups();
    const manages = useMay('backup.manage');
    const make = useBackup();
    const away = useLostAt() !== null;
    return (
        <Soft
            title={t`Backups`}
            what={t`the backups`}
            query={query}
            aside={
                manages &&
                query.data && (
                    <Button variant="default" disabled={away || Boolean(query.data.doing)} loading={make.isPending} onClick={() => make.mutate(null)}>
                        <Trans>Back up now</Trans>
                    </Button>
                )
            }
        >
            {(backups) => (
                <>
                    {make.isError && (
                        <Wrong>
                            <span>{problem(make.error).detail}</span>
                        </Wrong>
                    )}
                    <BackupList backups={backups} />
                </>
            )}
        </Soft>
    );
}

// ── disk ──

function usedWord(what: string): string {
    switch (what) {
        case 'ledger':
            return t`Ledger`;
        case 'observations':
            return t`Observed traffic`;
        case 'evidence':
            return t`Packets of findings`;
        case 'custody':
            return t`Messages and decisions`;
        case 'store':
            return t`Views`;
        case 'spool':
            return t`Waiting to be read in`;
        case 'journal':
            return t`Journal`;
        case 'backups':
            return t`Backups`;
        case 'other':
            return t`Everything else`;
        default:
            return what;
    }
}

function forecast(disk: Disk, now: number): string {
    const free = size(disk.free);
    const total = size(disk.total);
    if (disk.per_day === null) {
        return t`${free} of ${total} free. How fast it fills is not known yet.`;
    }
    const growth = size(Math.max(0, disk.per_day));
    if (disk.full_at === null) {
        return t`${free} of ${total} free; ${growth} a day come in. It does not fill up in sight.`;
    }
    const days = Math.max(0, Math.round((new Date(disk.full_at).getTime() - now) / (24 * 3600_000)));
    return t`${free} of ${total} free; at ${growth} a day it is full on ${day(disk.full_at)}, in ${count(days)} days.`;
}

const ROOM: Record<Disk['state'], State> = { ok: 'good', short: 'high', 'very-short': 'critical' };

function DiskFacts({ disk }: { disk: Disk }) {
    const now = useNow();
    const used = disk.used.filter((u) => u.bytes > 0).sort((a, b) => b.bytes - a.bytes);
    const most = used[0]?.bytes ?? 1;
    const gone = disk.retention.filter((r) => r.days !== null || r.removed_until !== null);
    return (
        <div className="inside">
            <p>
                <Mark state={ROOM[disk.state] ?? 'unknown'}>
                    {disk.state === 'ok' ? <Trans>There is room</Trans> : disk.state === 'short' ? <Trans>Room is short</Trans> : <Trans>Room is very short</Trans>}
                </Mark>
            </p>
            <p>{forecast(disk, now)}</p>
            {(disk.not_kept ?? 0) > 0 && (
                <p>
                    <Plural value={disk.not_kept ?? 0} one="# observation was not kept for want of room." other="# observations were not kept for want of room." />
                </p>
            )}
            <ul className="bars" aria-label={t`What takes the room`}>
                {used.map((u) => (
                    <li key={u.what}>
                        <span>{usedWord(u.what)}</span>
                        <span className="bar" aria-hidden="true">
                            <span style={{ width: `${Math.max(1, (100 * u.bytes) / most)}%` }} />
                        </span>
                        <span className="amount">{size(u.bytes)}</span>
                    </li>
                ))}
            </ul>
            {disk.goes_first.length > 0 && (
                <>
                    <p>
                        <Trans>When room is short, this goes first, never everything at once:</Trans>
                    </p>
                    <ol className="goes">
                        {disk.goes_first.map((what) => (
                            <li key={what}>{what}</li>
                        ))}
                    </ol>
                </>
            )}
            {gone.map((r) => (
                <p key={r.kind}>
                    {usedWord(r.kind)}:{' '}
                    {r.days !== null && <Plural value={r.days} one="kept for # day" other="kept for # days" />}
                    {r.days !== null && r.removed_until !== null && '; '}
                    {r.removed_until !== null && <Trans>removed up to {day(r.removed_until)}; hashes and proofs stay</Trans>}
                </p>
            ))}
        </div>
    );
}

export function DiskPanel() {
    return (
        <Soft title={t`Room on the disk`} what={t`the disk`} query={useDisk()} rows={5}>
            {(disk) => <DiskFacts disk={disk} />}
        </Soft>
    );
}
