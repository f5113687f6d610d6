// The frame around every page: rail at a desk, bottom bar on a phone, the band when the program is away.

import { Modal } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import {
    IconAlertTriangle,
    IconCertificate,
    IconChecklist,
    IconDots,
    IconEye,
    IconFileCertificate,
    IconFingerprint,
    IconKeyboard,
    IconListSearch,
    IconMicroscope,
    IconPlugConnected,
    IconPlugConnectedX,
    IconSchool,
    IconSettings,
    IconSwitchHorizontal,
    IconTestPipe,
    IconUserCircle,
    IconUsers,
    type TablerIcon,
} from '@tabler/icons-react';
import { useCallback, useEffect, useRef, useState, type ReactNode } from 'react';
import { Link, useLocation } from 'wouter';
import { useLostAt } from '../api/connection';
import { signOut, useLinks, useSession, useStream, useToday } from '../api/queries';
import { clock, count, stamp } from '../time';
import { personRole } from '../words';
import { useKey, useKeyboard } from './keys';
import { Said, say, sayNow, show, undoLast } from './say';
import { Settings } from './settings';

interface Place {
    path: string;
    /** One of these; none: whoever is signed in. */
    needs: string[];
    key: string;
    word: () => string;
    icon: TablerIcon;
}

const PLACES: Record<string, Place> = {
    today: { path: '/', needs: ['today.read'], key: 'g t', word: () => t`Today`, icon: IconChecklist },
    findings: { path: '/findings', needs: ['finding.read'], key: 'g f', word: () => t`Findings`, icon: IconAlertTriangle },
    results: { path: '/results', needs: ['result.read'], key: 'g r', word: () => t`Results`, icon: IconTestPipe },
    devices: { path: '/devices', needs: ['device.read'], key: 'g d', word: () => t`Devices`, icon: IconMicroscope },
    ledger: { path: '/ledger', needs: ['ledger.read'], key: 'g l', word: () => t`Ledger`, icon: IconFileCertificate },
    certificates: { path: '/certificates', needs: ['certificate.read'], key: 'g c', word: () => t`Certificates`, icon: IconCertificate },
    links: { path: '/links', needs: ['links.read'], key: 'g k', word: () => t`Links`, icon: IconPlugConnected },
    learn: { path: '/learn', needs: [], key: 'g n', word: () => t`Learn`, icon: IconSchool },
    looks: { path: '/looks', needs: ['looks.read', 'phi.look'], key: 'g p', word: () => t`PHI looks`, icon: IconEye },
    people: { path: '/people', needs: ['people.read'], key: 'g o', word: () => t`People`, icon: IconUsers },
    acts: { path: '/acts', needs: ['acts.read'], key: 'g w', word: () => t`Who did what`, icon: IconListSearch },
    account: { path: '/account', needs: [], key: 'g m', word: () => t`My account`, icon: IconUserCircle },
};

// The order on the rail, by who looks first at what; what a role may not read is left out.
const RAILS: Record<string, string[]> = {
    IT: ['today', 'findings', 'devices', 'links', 'results', 'ledger', 'certificates', 'learn', 'people', 'account'],
    auditor: ['devices', 'findings', 'ledger', 'links', 'certificates', 'looks', 'people', 'acts', 'today', 'learn', 'account'],
    assessor: ['devices', 'findings', 'ledger', 'links', 'certificates', 'looks', 'people', 'acts', 'account'],
    'privacy officer': ['today', 'looks', 'findings', 'results', 'acts', 'people', 'devices', 'ledger', 'learn', 'account'],
    phlebotomist: ['learn', 'today', 'results', 'devices', 'account'],
    'front desk': ['learn', 'today', 'results', 'account'],
    technologist: ['today', 'learn', 'results', 'findings', 'devices', 'looks', 'account'],
};
const placesAll = (role: string, permissions: string[]) =>
    (RAILS[role] ?? ['today', 'findings', 'results', 'devices', 'links', 'ledger', 'certificates', 'looks', 'learn', 'people', 'acts', 'account']).map((name) => PLACES[name] as Place).filter((place) => place.needs.length === 0 || place.needs.some((needed) => permissions.includes(needed)));

/** Links are a place only where there are any. */
export function usePlaces(): Place[] {
    const person = useSession().data?.person;
    const permissions = person?.permissions ?? [];
    const links = useLinks({ enabled: permissions.includes('links.read'), watched: false }).data?.length ?? 0;
    return placesAll(person?.role ?? '', permissions).filter((place) => place !== PLACES.links || links > 0);
}

export function Brand({ site }: { site?: string }) {
    return (
        <span className="brand">
            <svg width="32" height="32" viewBox="0 0 32 32" aria-hidden="true">
                <rect width="32" height="32" rx="8" fill="var(--action)" />
                <path d="M16 5v22" stroke="var(--on-action)" strokeWidth="7" strokeLinecap="round" opacity=".45" />
                <path d="M6 13h20M6 19h20" stroke="var(--on-action)" strokeWidth="3" strokeLinecap="round" />
            </svg>
            <span>
                <strong translate="no">Tourniquet</strong>
                {site && <span>{site}</span>}
            </span>
        </span>
    );
}

function PlaceLink({ place, badge }: { place: Place; badge: number }) {
    const [here, go] = useLocation();
    const current = place.path === '/' ? here === '/' : here.startsWith(place.path);
    const Icon = place.icon;
    useKey(
        place.key,
        useCallback(() => go(place.path), [go, place.path]),
    );
    return (
        <Link href={place.path} className="place" aria-current={current ? 'page' : undefined}>
            <Icon size={20} aria-hidden />
            <span>{place.word()}</span>
            {badge > 0 && (
                <span className="badge">
                    {badge > 99 ? '99+' : badge}
                    <span className="unseen">
                        {' '}
                        <Trans>open</Trans>
                    </span>
                </span>
            )}
        </Link>
    );
}

function Offline({ since }: { since: Date }) {
    return (
        <div className="band" role="alert">
            <IconPlugConnectedX size={20} aria-hidden />
            <strong>
                <Trans>Not connected, shown as of {clock(since)}.</Trans>
            </strong>
            <span>
                <Trans>You can read; saving waits until Tourniquet answers.</Trans>
            </span>
        </div>
    );
}

const HELP: [string, () => string][] = [
    ['/', () => t`Search this list`],
    ['g t', () => t`Go to Today`],
    ['g f', () => t`Go to Findings`],
    ['g r', () => t`Go to Results`],
    ['g d', () => t`Go to Devices`],
    ['g l', () => t`Go to Ledger`],
    ['g c', () => t`Go to Certificates`],
    ['g k', () => t`Go to Links`],
    ['g n', () => t`Go to Learn`],
    ['g p', () => t`Go to PHI looks`],
    ['g o', () => t`Go to People`],
    ['g w', () => t`Go to Who did what`],
    ['g m', () => t`Go to My account`],
    ['j', () => t`Next row`],
    ['k', () => t`Previous row`],
    ['Enter', () => t`Open the row`],
    ['t', () => t`Take the finding`],
    ['n', () => t`Next difference`],
    ['z', () => t`Undo`],
    ['?', () => t`This list`],
    ['Esc', () => t`Close or go back`],
];

function Help({ opened, close }: { opened: boolean; close: () => void }) {
    return (
        <Modal opened={opened} onClose={close} title={t`Keys`} closeButtonProps={{ 'aria-label': t`Close` }}>
            <dl className="keys">
                {HELP.map(([key, word]) => (
                    <div key={key} style={{ display: 'contents' }}>
                        <dt>
                            {key.split(' ').map((k) => (
                                <kbd key={k}>{k}</kbd>
                            ))}
                        </dt>
                        <dd>{word()}</dd>
                    </div>
                ))}
            </dl>
            <p className="muted small" style={{ marginTop: 16 }}>
                <Trans>Everything here also has a button or a link. Single keys can be turned off in Settings.</Trans>
            </p>
        </Modal>
    );
}

/** Says counts that grew, for those who do not see them; a critical finding interrupts. */
function useAnnounced(open: number | undefined, critical: number | undefined) {
    const before = useRef<{ open: number; critical: number } | null>(null);
    useEffect(() => {
        if (open === undefined || critical === undefined) {
            return;
        }
        const was = before.current;
        before.current = { open, critical };
        if (was && critical > was.critical) {
            sayNow(t`A new critical finding. Open Findings.`);
        } else if (was && open > was.open) {
            say(t`A new finding. ${open} are open.`);
        }
    }, [open, critical]);
}

/** Signs out, or says that it could not: on a shared PC nobody may believe it wrongly. */
export async function leave() {
    if (!(await signOut())) {
        show({ text: t`Not signed out: Tourniquet did not answer. Try again before you leave.` });
    }
}

export function Shell({ children }: { children: ReactNode }) {
    useStream();
    useKeyboard();
    const phone = useMediaQuery('(max-width: 767px)', undefined, { getInitialValueInEffect: false });
    const session = useSession().data;
    const places = usePlaces();
    const today = useToday(session?.person.permissions.includes('today.read') ?? false).data;
    const counts = today?.counts;
    const ledger = today?.ledger;
    const lostAt = useLostAt();
    const [here, go] = useLocation();
    const [settings, setSettings] = useState(false);
    const [help, setHelp] = useState(false);
    useAnnounced(counts?.findings_open, counts?.findings_critical);
    useKey(
        '?',
        useCallback(() => setHelp(true), []),
    );
    useKey('z', undoLast);
    useKey(
        'Escape',
        useCallback(() => {
            const up = here.split('/').slice(0, -1).join('/');
            if (up !== '') {
                go(up);
            }
        }, [here, go]),
    );
    if (!session) {
        return null;
    }
    const badge = (place: Place) => (place.path === '/findings' ? (counts?.findings_open ?? 0) : 0);
    return (
        <>
            <a className="skip" href="#content">
                <Trans>Skip to content</Trans>
            </a>
            <div className="frame">
                {!phone && (
                    <aside className="rail" aria-label={t`Tourniquet and you`}>
                        <Brand site={session.site} />
                        <nav className="places" aria-label={t`Pages`}>
                            {places.map((place) => (
                                <PlaceLink key={place.path} place={place} badge={badge(place)} />
                            ))}
                        </nav>
                        <div className="rail-foot">
                            <div className="person">
                                <strong>{session.person.display_name}</strong>
                                <span>{personRole(session.person.role)}</span>
                            </div>
                            <Link href="/sign-in" className="place" aria-current={here === '/sign-in' ? 'page' : undefined}>
                                <IconFingerprint size={20} aria-hidden />
                                <Trans>My sign-in</Trans>
                            </Link>
                            <button type="button" className="place" onClick={() => void leave()}>
                                <IconSwitchHorizontal size={20} aria-hidden />
                                <Trans>Switch person</Trans>
                            </button>
                            <button type="button" className="place" onClick={() => setSettings(true)}>
                                <IconSettings size={20} aria-hidden />
                                <Trans>Settings</Trans>
                            </button>
                            <button type="button" className="place" onClick={() => setHelp(true)}>
                                <IconKeyboard size={20} aria-hidden />
                                <Trans>Keys</Trans>
                            </button>
                        </div>
                    </aside>
                )}
                <div className="main">
                    <main id="content" tabIndex={-1} className="page">
                        {children}
                        <p className="print-foot">
                            {session.site} · {session.person.display_name} · {stamp(new Date())}
                            {ledger && (
                                <>
                                    {' '}
                                    · <Trans>Ledger, {count(ledger.records)} records</Trans>
                                </>
                            )}
                        </p>
                    </main>
                    {lostAt && <Offline since={lostAt} />}
                </div>
                {phone && (
                    <nav className="bottom" aria-label={t`Pages`}>
                        {places.slice(0, 4).map((place) => (
                            <PlaceLink key={place.path} place={place} badge={badge(place)} />
                        ))}
                        <Link href="/more" aria-current={here === '/more' || places.slice(4).some((place) => here.startsWith(place.path)) ? 'page' : undefined}>
                            <IconDots size={20} aria-hidden />
                            <Trans>More</Trans>
                        </Link>
                    </nav>
                )}
            </div>
            <Settings opened={settings} close={() => setSettings(false)} />
            <Help opened={help} close={() => setHelp(false)} />
            <Said />
        </>
    );
}
