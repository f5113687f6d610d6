// The frame around every page: rail at a desk, bottom bar on a phone, the band when the program is away.

import { Modal } from '@mantine/core';
import { useMediaQuery } from '@mantine/hooks';
import { t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import {
    IconAlertTriangle,
    IconCertificate,
    IconCertificate2,
    IconChecklist,
    IconDoor,
    IconDots,
    IconEye,
    IconFileCertificate,
    IconFingerprint,
    IconFishHook,
    IconHeartHandshake,
    IconKeyboard,
    IconHome,
    IconInbox,
    IconListSearch,
    IconMail,
    IconMessageReport,
    IconMicroscope,
    IconPlugConnected,
    IconPlugConnectedX,
    IconSchool,
    IconSearch,
    IconSettings,
    IconSwitchHorizontal,
    IconTestPipe,
    IconUserCircle,
    IconUsers,
    type TablerIcon,
} from '@tabler/icons-react';
import { lazy, Suspense, useCallback, useEffect, useRef, useState, type ReactNode } from 'react';
import { Link, useLocation } from 'wouter';
import { useLostAt } from '../api/connection';
import { usePreview } from '../api/preview';
import { lookAs, signOut, useLinks, useSession, useStream, useToday } from '../api/queries';
import { clock, count, stamp } from '../time';
import { personRole } from '../words';
import { useIdleLock } from './idle';
import { useKey, useKeyboard } from './keys';
import { Mark } from './mark';
import { Said, say, sayNow, show, undoLast } from './say';
import { Settings } from './settings';

const Finder = lazy(() => import('../search/finder'));
const Tray = lazy(() => import('./tray'));
const SEARCH = 'tourniquet:search';

/** Opens the search over everything. */
export const openSearch = () => window.dispatchEvent(new Event(SEARCH));

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
    /** Today of the lab, for those who begin elsewhere. */
    todayToo: { path: '/today', needs: ['today.read'], key: 'g t', word: () => t`Today`, icon: IconChecklist },
    work: { path: '/', needs: [], key: 'g h', word: () => t`My work`, icon: IconHome },
    findings: { path: '/findings', needs: ['finding.read'], key: 'g f', word: () => t`Findings`, icon: IconAlertTriangle },
    results: { path: '/results', needs: ['result.read'], key: 'g r', word: () => t`Results`, icon: IconTestPipe },
    devices: { path: '/devices', needs: ['device.read'], key: 'g d', word: () => t`Devices`, icon: IconMicroscope },
    ledger: { path: '/ledger', needs: ['ledger.read'], key: 'g l', word: () => t`Ledger`, icon: IconFileCertificate },
    certificates: { path: '/certificates', needs: ['certificate.read'], key: 'g c', word: () => t`Certificates`, icon: IconCertificate },
    links: { path: '/links', needs: ['links.read'], key: 'g k', word: () => t`Links`, icon: IconPlugConnected },
    doors: { path: '/doors', needs: ['visits.read'], key: 'g v', word: () => t`Vendor access`, icon: IconDoor },
    visit: { path: '/visit', needs: ['doors.ask'], key: 'g v', word: () => t`My visit`, icon: IconDoor },
    learn: { path: '/learn', needs: [], key: 'g n', word: () => t`Learn`, icon: IconSchool },
    training: { path: '/training', needs: ['training.read'], key: 'g i', word: () => t`Training`, icon: IconCertificate2 },
    phishing: { path: '/phishing', needs: ['phishing.read'], key: 'g s', word: () => t`Phishing`, icon: IconFishHook },
    culture: { path: '/culture', needs: ['training.read'], key: 'g u', word: () => t`Culture`, icon: IconHeartHandshake },
    looks: { path: '/looks', needs: ['looks.read', 'phi.look'], key: 'g p', word: () => t`PHI looks`, icon: IconEye },
    people: { path: '/people', needs: ['people.read'], key: 'g o', word: () => t`People`, icon: IconUsers },
    acts: { path: '/acts', needs: ['acts.read'], key: 'g w', word: () => t`Who did what`, icon: IconListSearch },
    report: { path: '/report', needs: [], key: 'g e', word: () => t`Report`, icon: IconMessageReport },
    reports: { path: '/reports', needs: ['report.handle'], key: 'g b', word: () => t`Reported`, icon: IconInbox },
    mail: { path: '/mail', needs: ['mail.decide'], key: 'g a', word: () => t`Mail`, icon: IconMail },
    account: { path: '/account', needs: [], key: 'g m', word: () => t`My account`, icon: IconUserCircle },
};

// The order on the rail, by who looks first at what; what a role may not read is left out. Four of them are on a phone's bottom bar.
const RAILS: Record<string, string[]> = {
    IT: ['today', 'findings', 'devices', 'links', 'mail', 'doors', 'reports', 'results', 'ledger', 'certificates', 'phishing', 'learn', 'people', 'report', 'account'],
    auditor: ['devices', 'findings', 'ledger', 'training', 'culture', 'phishing', 'looks', 'acts', 'people', 'links', 'doors', 'certificates', 'todayToo', 'learn', 'report', 'account'],
    assessor: ['devices', 'findings', 'ledger', 'training', 'culture', 'phishing', 'looks', 'acts', 'people', 'links', 'doors', 'certificates', 'report', 'account'],
    'privacy officer': ['today', 'looks', 'reports', 'training', 'culture', 'phishing', 'acts', 'findings', 'results', 'people', 'devices', 'ledger', 'learn', 'report', 'account'],
    phlebotomist: ['work', 'learn', 'report', 'account'],
    'front desk': ['work', 'learn', 'report', 'account'],
    technologist: ['work', 'learn', 'report', 'results', 'findings', 'devices', 'looks', 'todayToo', 'account'],
    "maker's engineer": ['visit', 'learn', 'report', 'account'],
};
const MANAGER = ['today', 'findings', 'devices', 'reports', 'mail', 'results', 'links', 'doors', 'ledger', 'certificates', 'looks', 'training', 'culture', 'phishing', 'learn', 'people', 'acts', 'report', 'account'];
const placesAll = (role: string, permissions: string[]) =>
    (RAILS[role] ?? (permissions.includes('today.read') ? MANAGER : ['work', 'learn', 'report', 'account']))
        .map((name) => PLACES[name] as Place)
        .filter((place) => place.needs.length === 0 || place.needs.some((needed) => permissions.includes(needed)));

/** Where a role begins: `/` is Today, My work, or leads to the first place of the rail. */
export function useHome(): string {
    const person = useSession().data?.person;
    const [first] = placesAll(person?.role ?? '', person?.permissions ?? []);
    return first === PLACES.today ? 'today' : first === undefined || first === PLACES.work ? 'work' : first.path;
}

const at = (place: Place, here: string) => here === place.path || (place.path !== '/' && here.startsWith(`${place.path}/`));

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
    const current = at(place, here);
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

/** The site's rules want more than a password: until then the person has none of their roles. */
function Withheld() {
    return (
        <div className="band-line" role="status">
            <Mark state="medium">
                <Trans>Your roles count once you signed in with a passkey or a code of an app.</Trans>
            </Mark>
            <Link href="/sign-in" className="target">
                <Trans>Set one up</Trans>
            </Link>
        </div>
    );
}

/** The page is looked at as another role sees it. */
function Previewed({ role }: { role: string }) {
    const [, go] = useLocation();
    return (
        <div className="band-line" role="status">
            <Mark state="info">
                <Trans>You see the page as this role does: {personRole(role)}. Nothing is changed meanwhile.</Trans>
            </Mark>
            <button
                type="button"
                className="link-button target"
                onClick={() => {
                    lookAs(null);
                    go('/people');
                }}
            >
                <Trans>End it</Trans>
            </button>
        </div>
    );
}

const HELP: [string, () => string][] = [
    ['/', () => t`Search everything`],
    ['Ctrl k', () => t`Search everything, also from a field`],
    ['f', () => t`Search this list`],
    ['g t', () => t`Go to Today`],
    ['g f', () => t`Go to Findings`],
    ['g r', () => t`Go to Results`],
    ['g d', () => t`Go to Devices`],
    ['g l', () => t`Go to Ledger`],
    ['g c', () => t`Go to Certificates`],
    ['g k', () => t`Go to Links`],
    ['g v', () => t`Go to Vendor access, or My visit`],
    ['g n', () => t`Go to Learn`],
    ['g i', () => t`Go to Training`],
    ['g s', () => t`Go to Phishing`],
    ['g u', () => t`Go to Culture`],
    ['g p', () => t`Go to PHI looks`],
    ['g o', () => t`Go to People`],
    ['g w', () => t`Go to Who did what`],
    ['g m', () => t`Go to My account`],
    ['g h', () => t`Go to My work`],
    ['g e', () => t`Go to Report`],
    ['g b', () => t`Go to Reported`],
    ['g a', () => t`Go to Mail`],
    ['j', () => t`Next row`],
    ['k', () => t`Previous row`],
    ['Enter', () => t`Open the row`],
    ['x', () => t`Choose the row, or not`],
    ['t', () => t`Take the finding, or those that are chosen`],
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

function useSearchKeys(open: () => void) {
    useKey('/', open);
    useEffect(() => {
        const pressed = (event: KeyboardEvent) => {
            if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === 'k') {
                event.preventDefault();
                open();
            }
        };
        window.addEventListener('keydown', pressed);
        window.addEventListener(SEARCH, open);
        return () => {
            window.removeEventListener('keydown', pressed);
            window.removeEventListener(SEARCH, open);
        };
    }, [open]);
}

/** Reports that wait on this device go out as soon as somebody is there who may send them. */
function useWaitingReports(name: string | undefined, away: boolean) {
    useEffect(() => {
        if (name !== undefined && !away && localStorage.getItem('tourniquet.reports.wait') !== null) {
            void import('../report/kept').then(({ sendWaiting }) => sendWaiting(name));
        }
    }, [name, away]);
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
    const as = usePreview();
    const places = usePlaces();
    const sees = session?.person.permissions.includes('today.read') ?? false;
    const kept = useToday(sees).data;
    const today = sees ? kept : undefined; // what was asked before is not of this role
    const watches = session?.person.permissions.some((may) => may === 'ledger.read' || may === 'backup.read') ?? false;
    const counts = today?.counts;
    const ledger = today?.ledger;
    const lostAt = useLostAt();
    const [here, go] = useLocation();
    const [settings, setSettings] = useState(false);
    const [help, setHelp] = useState(false);
    const [finding, setFinding] = useState(false);
    const locked = useIdleLock(session?.person.name, session?.lock_s);
    useWaitingReports(session?.person.name, lostAt !== null);
    useSearchKeys(useCallback(() => setFinding(true), []));
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
    if (locked) {
        return (
            <main className="door">
                <div className="door-box" role="status">
                    <Brand site={session.site} />
                    <h1>
                        <Trans>Locked</Trans>
                    </h1>
                    <p>
                        <Trans>Nobody was here for a while. As soon as Tourniquet answers you can sign in again; what you had begun waits.</Trans>
                    </p>
                </div>
            </main>
        );
    }
    const acts = [
        { word: t`Report something`, go: '/report' },
        ...(session.person.permissions.includes('people.manage') ? [{ word: t`Invite somebody`, go: '/people' }] : []),
        ...(session.person.permissions.includes('device.import') ? [{ word: t`Import a list of devices`, go: '/devices/import' }] : []),
        ...(session.person.permissions.includes('people.manage') ? [{ word: t`First steps`, go: '/first-steps' }] : []),
        { word: t`My sign-in`, go: '/sign-in' },
        { word: t`Settings: language, colours, keys`, go: () => setSettings(true) },
        { word: t`Switch person`, go: () => void leave() },
        { word: t`Print this page`, go: () => setTimeout(() => window.print(), 300) },
    ];
    const badge = (place: Place) => (place === PLACES.findings ? (counts?.findings_open ?? 0) : place === PLACES.reports ? (counts?.reports_waiting ?? 0) : place === PLACES.mail ? (counts?.mail_waiting ?? 0) : 0);
    return (
        <>
            <a className="skip" href="#content">
                <Trans>Skip to content</Trans>
            </a>
            <div className="frame">
                {!phone && (
                    <aside className="rail" aria-label={t`Tourniquet and you`}>
                        <Brand site={session.site} />
                        <button type="button" className="find" onClick={() => setFinding(true)}>
                            <IconSearch size={20} aria-hidden />
                            <span>
                                <Trans>Search</Trans>
                            </span>
                            <kbd aria-hidden="true">Ctrl K</kbd>
                        </button>
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
                        {as !== null && <Previewed role={as.role} />}
                        {session.sign_in.withheld && <Withheld />}
                        {children}
                        <p className="print-foot">
                            {session.site} · {session.person.display_name} · {stamp(new Date())}
                            {ledger && (
                                <>
                                    {' '}
                                    ·{' '}
                                    {ledger.root ? (
                                        <Trans>
                                            Ledger: checkpoint of {count(ledger.size)} records, <span className="mono break">{ledger.root}</span>
                                        </Trans>
                                    ) : (
                                        <Trans>Ledger, {count(ledger.records)} records</Trans>
                                    )}
                                </>
                            )}
                        </p>
                    </main>
                    {watches && (
                        <Suspense fallback={null}>
                            <Tray />
                        </Suspense>
                    )}
                    {lostAt && <Offline since={lostAt} />}
                </div>
                {phone && (
                    <nav className="bottom" aria-label={t`Pages`}>
                        {places.slice(0, 4).map((place) => (
                            <PlaceLink key={place.path} place={place} badge={badge(place)} />
                        ))}
                        <Link href="/more" aria-current={here === '/more' || places.slice(4).some((place) => at(place, here)) ? 'page' : undefined}>
                            <IconDots size={20} aria-hidden />
                            <Trans>More</Trans>
                        </Link>
                    </nav>
                )}
            </div>
            <Settings opened={settings} close={() => setSettings(false)} />
            <Help opened={help} close={() => setHelp(false)} />
            {finding && (
                <Suspense fallback={null}>
                    <Finder close={() => setFinding(false)} acts={acts} />
                </Suspense>
            )}
            <Said />
        </>
    );
}
