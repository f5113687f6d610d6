// A page that nobody touches locks: on a shared PC the next person must not act as the one before. The session ends; the address and what was begun
// stay in this tab.

import { useEffect, useState } from 'react';
import { signOut } from '../api/queries';

const TOUCHED = 'tourniquet.touched';
const SIGNS = ['pointerdown', 'pointermove', 'keydown', 'wheel', 'touchstart'] as const;
const LOCKED = 'tourniquet.locked';

/** Who was there when the page locked, and after how many minutes; null: it did not lock. */
export function lockedFor(): { name: string; minutes: number } | null {
    const [name, minutes] = (sessionStorage.getItem(LOCKED) ?? '').split('\n');
    return name ? { name, minutes: Number(minutes) } : null;
}
export const unlocked = () => sessionStorage.removeItem(LOCKED);

/** All tabs of this browser count as one: who works in one is not locked out of the other. True: locked, and the program has not answered yet. */
export function useIdleLock(name: string | undefined, seconds: number | undefined): boolean {
    const [locked, setLocked] = useState(false);
    useEffect(() => {
        if (name === undefined || !seconds) {
            return undefined;
        }
        let noted = 0;
        let over = false;
        const touch = () => {
            const now = Date.now();
            if (!over && now - noted > 1000) {
                noted = now;
                localStorage.setItem(TOUCHED, String(now));
            }
        };
        const look = () => {
            over ||= Date.now() - Number(localStorage.getItem(TOUCHED) ?? 0) >= seconds * 1000;
            if (over) {
                sessionStorage.setItem(LOCKED, `${name}\n${Math.max(1, Math.round(seconds / 60))}`);
                setLocked(true);
                void signOut(); // again and again until it is heard
            }
        };
        touch();
        unlocked();
        for (const sign of SIGNS) {
            window.addEventListener(sign, touch, { passive: true });
        }
        const timer = setInterval(look, 1000);
        return () => {
            clearInterval(timer);
            for (const sign of SIGNS) {
                window.removeEventListener(sign, touch);
            }
        };
    }, [name, seconds]);
    return locked;
}
