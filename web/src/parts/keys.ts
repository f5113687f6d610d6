// Keys for those who like them. They sleep in fields and dialogs, can be turned off, and each has a button or a link that does the same.

import { useEffect, useSyncExternalStore } from 'react';

const KEPT = 'tourniquet.keys';
const listeners = new Set<() => void>();
const handlers = new Map<string, Array<() => void>>();

export const keysOn = () => localStorage.getItem(KEPT) !== 'off';
export function setKeysOn(on: boolean) {
    localStorage.setItem(KEPT, on ? 'on' : 'off');
    listeners.forEach((l) => l());
}
export const useKeysOn = () =>
    useSyncExternalStore((l) => {
        listeners.add(l);
        return () => listeners.delete(l);
    }, keysOn);

/** While the caller is on screen, `key` ("t", "/", "g d") calls `act`. The newest caller wins. */
export function useKey(key: string, act: () => void, when = true) {
    useEffect(() => {
        if (!when) {
            return undefined;
        }
        const list = handlers.get(key) ?? [];
        list.push(act);
        handlers.set(key, list);
        return () => {
            list.splice(list.indexOf(act), 1);
        };
    }, [key, act, when]);
}

function step(by: number) {
    const rows = [...document.querySelectorAll<HTMLElement>('[data-row]')];
    if (rows.length === 0) {
        return;
    }
    const at = rows.indexOf(document.activeElement as HTMLElement);
    const next = at < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.min(rows.length - 1, Math.max(0, at + by));
    rows[next]?.focus();
    rows[next]?.scrollIntoView({ block: 'nearest' });
}

const sleeps = (target: EventTarget | null) =>
    target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) || target.closest('[role=dialog]') !== null);

let prefix = '';
let prefixTimer: ReturnType<typeof setTimeout> | undefined;

function pressed(event: KeyboardEvent) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || !keysOn() || sleeps(event.target)) {
        return;
    }
    const name = prefix + event.key;
    prefix = '';
    clearTimeout(prefixTimer);
    const act = handlers.get(name)?.at(-1);
    if (act) {
        event.preventDefault();
        act();
    } else if (event.key === 'g') {
        prefix = 'g ';
        prefixTimer = setTimeout(() => (prefix = ''), 1500);
    } else if (event.key === 'j' || event.key === 'k') {
        event.preventDefault();
        step(event.key === 'j' ? 1 : -1);
    }
}

export function useKeyboard() {
    useEffect(() => {
        window.addEventListener('keydown', pressed);
        return () => window.removeEventListener('keydown', pressed);
    }, []);
}
