// What all lists share: the search field, "3 newer", paging by cursor.

import { Button, TextInput } from '@mantine/core';
import { plural, t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import { IconArrowDown, IconArrowUp, IconArrowsSort, IconSearch } from '@tabler/icons-react';
import { useCallback, useEffect, useRef, useState } from 'react';
import { count } from '../time';
import { useKey } from './keys';
import { say } from './say';

/** Searches 300 ms after the last letter. */
export function Search({ value, label, hint, change }: { value: string; label: string; hint: string; change: (value: string) => void }) {
    const [text, setText] = useState(value);
    const field = useRef<HTMLInputElement>(null);
    const sent = useRef(value);
    useEffect(() => {
        if (value !== sent.current) {
            sent.current = value;
            setText(value);
        }
    }, [value]);
    useEffect(() => {
        if (text === sent.current) {
            return undefined;
        }
        const timer = setTimeout(() => {
            sent.current = text;
            change(text);
        }, 300);
        return () => clearTimeout(timer);
    }, [text, change]);
    useKey(
        'f',
        useCallback(() => field.current?.select(), []),
    );
    return (
        <TextInput
            className="grow"
            ref={field}
            type="search"
            label={label}
            placeholder={hint}
            value={text}
            autoComplete="off"
            spellCheck={false}
            leftSection={<IconSearch size={20} aria-hidden />}
            onChange={(e) => setText(e.currentTarget.value)}
        />
    );
}

/** Stands in the head of a panel, whose height has room for it: the rows below do not move when it appears. */
export function Newer({ newer, show }: { newer: number; show: () => void }) {
    const text = plural(newer, { one: '# newer row', other: '# newer rows' });
    useEffect(() => {
        if (newer > 0) {
            say(text);
        }
    }, [newer, text]);
    return newer === 0 ? null : (
        <Button variant="default" onClick={show} leftSection={<IconArrowUp size={20} aria-hidden />}>
            {text} · <Trans>Show</Trans>
        </Button>
    );
}

export function Pager({ shown, total, first, next, change }: { shown: number; total: number; first: boolean; next: string | null; change: (cursor: string) => void }) {
    return (
        <div className="pager">
            <span>
                <Trans>
                    {count(shown)} of {count(total)} shown
                </Trans>
            </span>
            {(!first || next !== null) && (
                <span className="acts" style={{ width: 'auto' }}>
                    {!first && (
                        <Button variant="default" onClick={() => change('')}>
                            <Trans>Back to the first</Trans>
                        </Button>
                    )}
                    {next !== null && (
                        <Button variant="default" onClick={() => change(next)}>
                            <Trans>Next page</Trans>
                        </Button>
                    )}
                </span>
            )}
        </div>
    );
}

/** A column's head that sorts, in the one direction that the program offers for it. */
export function SortHead({ name, label, sort, change, down = false }: { name: string; label: string; sort: string; change: (sort: string) => void; down?: boolean }) {
    const active = sort === name;
    const Icon = !active ? IconArrowsSort : down ? IconArrowDown : IconArrowUp;
    return (
        <th scope="col" aria-sort={!active ? 'none' : down ? 'descending' : 'ascending'}>
            <button type="button" onClick={() => change(name)} title={t`Sort by ${label}`}>
                {label}
                <Icon size={16} aria-hidden opacity={active ? 1 : 0.55} />
            </button>
        </th>
    );
}
