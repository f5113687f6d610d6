// How the page looks and speaks in this browser.

import { Modal, useMantineColorScheme, type MantineColorScheme } from '@mantine/core';
import { i18n } from '@lingui/core';
import { t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import { useId, useState, type ReactNode } from 'react';
import { choose, LOCALES, type Locale } from '../i18n';
import { setKeysOn, useKeysOn } from './keys';

const ROWS = 'tourniquet.rows';

export function applyRows() {
    document.documentElement.dataset.rows = localStorage.getItem(ROWS) === 'compact' ? 'compact' : 'normal';
}

export function Choice<V extends string>({ label, value, options, change }: { label: string; value: V; options: [V, ReactNode][]; change: (value: V) => void }) {
    const name = useId();
    return (
        <div className="choice" role="radiogroup" aria-label={label}>
            {options.map(([option, word]) => (
                <label key={option}>
                    <input type="radio" name={name} value={option} checked={option === value} onChange={() => change(option)} />
                    {word}
                </label>
            ))}
        </div>
    );
}

function Setting({ label, children }: { label: string; children: ReactNode }) {
    return (
        <div className="setting">
            <span>{label}</span>
            {children}
        </div>
    );
}

export function Choices() {
    const { colorScheme, setColorScheme } = useMantineColorScheme();
    const keys = useKeysOn();
    const [rows, setRows] = useState(document.documentElement.dataset.rows === 'compact' ? 'compact' : 'normal');
    return (
        <>
            <Setting label={t`Language`}>
                <Choice
                    label={t`Language`}
                    value={i18n.locale as Locale}
                    options={(Object.keys(LOCALES) as Locale[]).map((l) => [l, <span lang={l}>{LOCALES[l]}</span>])}
                    change={(l) => void choose(l)}
                />
            </Setting>
            <Setting label={t`Colours`}>
                <Choice<MantineColorScheme>
                    label={t`Colours`}
                    value={colorScheme}
                    options={[
                        ['auto', t`As the system`],
                        ['light', t`Light`],
                        ['dark', t`Dark`],
                    ]}
                    change={setColorScheme}
                />
            </Setting>
            <Setting label={t`Rows`}>
                <Choice
                    label={t`Rows`}
                    value={rows}
                    options={[
                        ['normal', t`Normal`],
                        ['compact', t`Compact`],
                    ]}
                    change={(value) => {
                        localStorage.setItem(ROWS, value);
                        applyRows();
                        setRows(value);
                    }}
                />
            </Setting>
            <Setting label={t`Single-letter keys`}>
                <Choice
                    label={t`Single-letter keys`}
                    value={keys ? 'on' : 'off'}
                    options={[
                        ['on', t`On`],
                        ['off', t`Off`],
                    ]}
                    change={(value) => setKeysOn(value === 'on')}
                />
            </Setting>
        </>
    );
}

export function Settings({ opened, close }: { opened: boolean; close: () => void }) {
    return (
        <Modal opened={opened} onClose={close} title={t`Settings`} size={560} closeButtonProps={{ 'aria-label': t`Close` }}>
            <Choices />
            <p className="muted small" style={{ marginTop: 16 }}>
                <Trans>Kept in this browser.</Trans>
            </p>
        </Modal>
    );
}
