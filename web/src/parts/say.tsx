// What is said without being asked: one polite sentence in 10 s for ears, and one toast with Undo for eyes.

import { useEffect, useState, useSyncExternalStore } from 'react';

const QUIET_MS = 10_000;
let polite = '';
let urgent = '';
let waiting: string | null = null;
let last = 0;
let timer: ReturnType<typeof setTimeout> | undefined;
const listeners = new Set<() => void>();
const changed = () => listeners.forEach((l) => l());
const subscribe = (listener: () => void) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
};

/** For a screen reader, when there is time. The newest sentence wins. */
export function say(text: string) {
    waiting = text;
    if (timer === undefined) {
        timer = setTimeout(
            () => {
                timer = undefined;
                last = Date.now();
                polite = waiting ?? '';
                changed();
            },
            Math.max(0, last + QUIET_MS - Date.now()),
        );
    }
}

/** Interrupts. For critical findings only. */
export function sayNow(text: string) {
    urgent = text;
    changed();
}

export interface Toast {
    text: string;
    undo?: () => void;
    undoWord?: string;
}

let toast: Toast | null = null;
let toastTimer: ReturnType<typeof setTimeout> | undefined;

export function show(next: Toast | null) {
    toast = next;
    clearTimeout(toastTimer);
    if (next) {
        toastTimer = setTimeout(() => show(null), 10_000);
    }
    changed();
}

/** Takes back the last act if its ten seconds are not over. */
export function undoLast() {
    toast?.undo?.();
    show(null);
}

export function Said() {
    const p = useSyncExternalStore(subscribe, () => polite);
    const u = useSyncExternalStore(subscribe, () => urgent);
    const shown = useSyncExternalStore(subscribe, () => toast);
    const [ready, setReady] = useState(false);
    useEffect(() => setReady(true), []);
    return (
        <>
            <div className="unseen" aria-live="polite">
                {ready ? p : ''}
            </div>
            <div className="unseen" role="alert">
                {ready ? u : ''}
            </div>
            <div className="toasts" role="status">
                {shown && (
                    <div className="toast">
                        <span>{shown.text}</span>
                        {shown.undo && (
                            <button type="button" onClick={undoLast}>
                                {shown.undoWord}
                            </button>
                        )}
                    </div>
                )}
            </div>
        </>
    );
}
