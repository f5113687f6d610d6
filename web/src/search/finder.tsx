// One box over everything that the person may see: every noun of the program, the ledger's records by number, pages and acts. A combobox with a list
// (WAI-ARIA 1.2): focus stays in the field, arrows choose, Enter opens.

import { Loader, Modal } from '@mantine/core';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { plural, t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import { IconSearch } from '@tabler/icons-react';
import { useEffect, useId, useRef, useState, type KeyboardEvent } from 'react';
import { useLocation } from 'wouter';
import { call, get, query } from '../api/client';
import { useSession } from '../api/queries';
import { say } from '../parts/say';
import { usePlaces } from '../parts/shell';
import { useMay } from '../may';
import { verdictOf } from '../mail/words';
import { kindOf, stateOf } from '../report/words';
import { near } from '../time';
import { roleWord, severityWord, stateWord } from '../words';

interface Hit {
    kind: 'device' | 'finding' | 'result' | 'person' | 'link' | 'report' | 'mail' | 'door' | 'certificate' | 'simulation' | 'policy' | 'course' | 'record';
    id: string;
    title: string;
    note: string | null;
    state: string | null;
    time: string | null;
}

interface Option {
    key: string;
    title: string;
    note: string;
    go: string | (() => void);
}

const LEAST = 2;
/** May be the number of a specimen or patient: it goes in a body, never in an address. */
const private_ = (text: string) => /\d{6,}/.test(text.replace(/[\s-]/g, ''));

/** 4,761 and 4.761 are how the page writes record 4761. */
const plainNumber = (text: string) => (/^\d{1,3}([.,\s]\d{3})+$/.test(text) ? text.replace(/\D/g, '') : text);

/** What the program answers is what the person may see; while the page is looked at as another role sees it, that is less. */
const NEEDS: Partial<Record<Hit['kind'], string>> = { device: 'device.read', finding: 'finding.read', result: 'result.read', person: 'people.read', link: 'links.read', mail: 'mail.decide', door: 'doors.read', certificate: 'certificate.read', simulation: 'phishing.read', record: 'ledger.read' };

function useHits(text: string) {
    const permissions = useSession().data?.person.permissions ?? [];
    return useQuery({
        queryKey: ['search', text],
        enabled: text.length >= LEAST,
        queryFn: async ({ signal }) => (private_(text) ? call<{ items: Hit[] }>('POST', '/search', { body: { q: text }, signal }) : get<{ items: Hit[] }>(`/search${query({ q: text })}`, signal)),
        select: (answer) => answer.items.filter((h) => NEEDS[h.kind] === undefined || permissions.includes(NEEDS[h.kind] ?? '')),
        placeholderData: keepPreviousData,
        staleTime: 10_000,
        gcTime: 0,
    });
}

/** 300 ms after the last letter. */
function useLater(text: string): string {
    const [later, setLater] = useState(text);
    useEffect(() => {
        const timer = setTimeout(() => setLater(text), 300);
        return () => clearTimeout(timer);
    }, [text]);
    return later;
}

const NOUNS: Record<Hit['kind'], { word: () => string; path: (hit: Hit) => string; note: (hit: Hit) => string }> = {
    device: { word: () => t`Devices`, path: (h) => `/devices/${h.id}`, note: (h) => [roleWord(h.state ?? ''), h.note].filter(Boolean).join(' · ') },
    finding: { word: () => t`Findings`, path: (h) => `/findings/${h.id}`, note: (h) => `${severityWord(h.note ?? '')} · ${stateWord(h.state ?? '')}` },
    result: { word: () => t`Results`, path: (h) => `/results/${h.id}`, note: (h) => [h.note, h.state, h.time ? near(h.time) : null].filter(Boolean).join(' · ') },
    person: { word: () => t`People`, path: (h) => `/people/${encodeURIComponent(h.id)}`, note: (h) => h.note ?? '' },
    link: { word: () => t`Links`, path: () => '/links', note: (h) => h.note ?? '' },
    course: { word: () => t`Courses`, path: (h) => `/learn/${h.id}`, note: () => '' },
    mail: { word: () => t`Mail`, path: (h) => `/mail/${h.id}`, note: (h) => [verdictOf(h.note ?? '').word, h.time ? near(h.time) : null].filter(Boolean).join(' · ') },
    door: { word: () => t`Vendor access`, path: () => '/doors', note: (h) => [h.note, h.time ? near(h.time) : null].filter(Boolean).join(' · ') },
    certificate: { word: () => t`Certificates`, path: () => '/certificates', note: (h) => h.note ?? '' },
    simulation: { word: () => t`Phishing simulations`, path: (h) => `/phishing/${h.id}`, note: (h) => (h.time ? near(h.time) : '') },
    policy: { word: () => t`Policies`, path: (h) => `/learn/policy/${h.id}`, note: () => '' },
    record: { word: () => t`Ledger`, path: (h) => `/ledger?from=${h.id}#records`, note: (h) => [t`record ${h.id}`, h.time ? near(h.time) : null].filter(Boolean).join(' · ') },
    report: { word: () => t`Reports`, path: (h) => `/reports/${h.id}`, note: (h) => `${kindOf(h.note ?? '')} · ${stateOf(h.state ?? '').word}` },
};
const ORDER: Hit['kind'][] = ['device', 'finding', 'result', 'person', 'link', 'report', 'mail', 'door', 'certificate', 'simulation', 'policy', 'course', 'record'];

export interface Act {
    word: string;
    go: string | (() => void);
}

function useOptions(text: string, acts: Act[]): { groups: { word: string; options: Option[] }[]; waits: boolean; failed: boolean } {
    const places = usePlaces();
    const handles = useMay('report.handle');
    const results = useMay('result.read');
    const visits = useMay('visits.read');
    const acts_ = useMay('acts.read');
    const hits = useHits(useLater(plainNumber(text.trim())));
    const small = text.trim().toLowerCase();
    const plain = (word: string) => word.toLowerCase().includes(small);
    const known = [...places.map((p) => ({ word: p.word(), go: p.path })), ...acts];
    const pages = known.filter((a) => small === '' || plain(a.word)).map((a) => ({ key: `page ${a.word}`, title: a.word, note: '', go: a.go }));
    const found = small.length < LEAST ? [] : (hits.data ?? []);
    const groups: { word: string; options: Option[] }[] = ORDER.map((kind) => ({
        word: NOUNS[kind].word(),
        options: found
            .filter((h) => h.kind === kind)
            .map((h) => ({ key: `${kind} ${h.id}`, title: h.title || (kind === 'report' ? kindOf(h.note ?? '') : h.id), note: NOUNS[kind].note(h), go: kind === 'report' && !handles ? '/report' : kind === 'door' && !visits ? '/visit' : NOUNS[kind].path(h) })),
    }));
    // What the lists themselves can look for comes last: Enter opens what was found.
    const lists: Option[] = [];
    if (small.length >= LEAST && !private_(small)) {
        const asked = query({ q: text.trim() });
        if (results) {
            lists.push({ key: 'results', title: t`Search the results for “${text.trim()}”`, note: '', go: `/results${asked}` });
        }
        if (acts_) {
            lists.push({ key: 'acts', title: t`Search who did what for “${text.trim()}”`, note: '', go: `/acts${asked}` });
        }
    }
    groups.push({ word: t`Look further`, options: lists });
    return { groups: [{ word: t`Pages and acts`, options: pages }, ...groups].filter((g) => g.options.length > 0), waits: hits.isFetching, failed: hits.isError };
}

export default function Finder({ close, acts }: { close: () => void; acts: Act[] }) {
    const [text, setText] = useState('');
    const [at, setAt] = useState(0);
    const [, go] = useLocation();
    const id = useId();
    const list = useRef<HTMLDivElement>(null);
    const { groups, waits, failed } = useOptions(text, acts);
    const options = groups.flatMap((g) => g.options);
    const here = Math.min(at, options.length - 1);
    const open = (option: Option) => {
        close();
        if (typeof option.go === 'string') {
            go(option.go);
        } else {
            option.go();
        }
    };
    useEffect(() => {
        list.current?.querySelector('[aria-selected=true]')?.scrollIntoView({ block: 'nearest' });
    }, [here]);
    const many = options.length;
    useEffect(() => {
        if (text !== '' && !waits) {
            say(plural(many, { one: '# match', other: '# matches' }));
        }
    }, [text, many, waits]);
    const pressed = (event: KeyboardEvent) => {
        const last = options.length - 1;
        const steps: Record<string, number> = { ArrowDown: here >= last ? 0 : here + 1, ArrowUp: here <= 0 ? last : here - 1, Home: 0, End: last };
        const chosen = options[here];
        if (event.key in steps && !(text !== '' && (event.key === 'Home' || event.key === 'End'))) {
            event.preventDefault();
            setAt(steps[event.key] as number);
        } else if (event.key === 'Enter' && chosen) {
            event.preventDefault();
            open(chosen);
        }
    };
    let n = -1;
    return (
        <Modal opened onClose={close} withCloseButton={false} size={640} yOffset="8vh" padding={0} title={t`Search everything`} classNames={{ content: 'finder', header: 'unseen' }}>
            <div className="finder-field">
                <IconSearch size={20} aria-hidden />
                <input
                    role="combobox"
                    aria-label={t`Search everything`}
                    aria-expanded={options.length > 0}
                    aria-controls={`${id}list`}
                    aria-autocomplete="list"
                    aria-activedescendant={options[here] ? `${id}${here}` : undefined}
                    type="text"
                    autoComplete="off"
                    autoCapitalize="none"
                    spellCheck={false}
                    maxLength={80}
                    placeholder={t`Name, address, serial number, finding, page …`}
                    value={text}
                    data-autofocus
                    onChange={(e) => {
                        setText(e.currentTarget.value);
                        setAt(0);
                    }}
                    onKeyDown={pressed}
                />
                {waits && <Loader size={16} aria-hidden />}
                <button type="button" className="link-button target" onClick={close}>
                    <Trans>Close</Trans>
                </button>
            </div>
            <div className="finder-list" role="listbox" id={`${id}list`} aria-label={t`Matches`} ref={list}>
                {groups.map((group) => (
                    <div role="group" aria-label={group.word} key={group.word}>
                        <p className="finder-kind" aria-hidden="true">
                            {group.word}
                        </p>
                        {group.options.map((option) => {
                            n += 1;
                            const mine = n;
                            return (
                                // Focus stays in the field; keys reach the options from there.
                                <div
                                    key={option.key}
                                    id={`${id}${mine}`}
                                    role="option"
                                    aria-selected={mine === here}
                                    className="finder-option"
                                    onPointerMove={() => mine !== here && setAt(mine)}
                                    onClick={() => open(option)}
                                >
                                    <span className="break">{option.title}</span>
                                    {option.note !== '' && <span className="muted small">{option.note}</span>}
                                </div>
                            );
                        })}
                    </div>
                ))}
            </div>
            {options.length === 0 && (
                <p className="finder-none" role="status">
                    {failed ? <Trans>The search did not answer. Pages are still found here.</Trans> : waits ? <Trans>Searching…</Trans> : <Trans>Nothing found that you may see. Specimens are found by their number, devices by name, address or serial number.</Trans>}
                </p>
            )}
        </Modal>
    );
}
