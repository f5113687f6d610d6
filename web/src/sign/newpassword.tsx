// A password that is chosen: the field, and how strong it is while it is typed. What leaked elsewhere only the program knows; it says so when it is sent.

import { t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import { PasswordInput } from '@mantine/core';

export const PASSWORD_MIN = 15;

/** 0: nothing, 1: too short, 2: it repeats itself, 3: good, 4: strong. Length counts, and what does not follow from the character before. */
export function strength(password: string, least = PASSWORD_MIN): number {
    const characters = [...password.toLowerCase()];
    const telling = characters.filter((c, i) => {
        const step = i === 0 ? 2 : (c.codePointAt(0) ?? 0) - (characters[i - 1]?.codePointAt(0) ?? 0);
        return step !== 0 && step !== 1 && step !== -1;
    }).length;
    if (characters.length < least) {
        return characters.length === 0 ? 0 : 1;
    }
    if (telling < 10 || new Set(characters).size < 8) {
        return 2;
    }
    return telling < 20 ? 3 : 4;
}

function Strength({ password, least }: { password: string; least: number }) {
    const value = strength(password, least);
    const left = least - [...password].length;
    return (
        <div className="strength">
            <meter min={0} max={4} low={1.5} high={2.5} optimum={4} value={value} aria-label={t`How strong the password is`} />
            <span className="small" aria-live="polite">
                {value === 1 && <Trans>Too short: {left} more</Trans>}
                {value === 2 && <Trans>Weak: it repeats itself</Trans>}
                {value === 3 && <Trans>Good</Trans>}
                {value === 4 && <Trans>Strong</Trans>}
            </span>
        </div>
    );
}

export function NewPassword({ label, description, value, change, least = PASSWORD_MIN, autoFocus }: { label: string; description?: string; value: string; change: (value: string) => void; least?: number; autoFocus?: boolean }) {
    return (
        <div>
            <PasswordInput
                label={label}
                description={description ?? t`At least ${least} characters; four words that do not belong together are good. Any character counts.`}
                name="new-password"
                autoComplete="new-password"
                required
                withAsterisk={false}
                autoFocus={autoFocus}
                value={value}
                onChange={(e) => change(e.currentTarget.value)}
                visibilityToggleButtonProps={{ 'aria-label': t`Show the password`, tabIndex: 0, 'aria-hidden': undefined }}
            />
            <Strength password={value} least={least} />
        </div>
    );
}
