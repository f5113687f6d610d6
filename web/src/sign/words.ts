// What the program says of passkeys, in the reader's language (the codes: docs/api.md).

import { t } from '@lingui/core/macro';

export function wordsOf(code: string): string | null {
    switch (code) {
        case 'passkey-malformed':
            return t`The browser sent something that is no passkey's answer. Try again, or with another browser.`;
        case 'passkey-type':
        case 'passkey-challenge':
            return t`This answer is too old, or belongs to another request. Try again.`;
        case 'passkey-origin':
        case 'passkey-host':
            return t`This passkey is for another page than this one. Open this page by its own name.`;
        case 'passkey-untouched':
            return t`Nobody touched the key. Try again.`;
        case 'passkey-unverified':
            return t`The key was touched, but it does not know by whom. Set a PIN, fingerprint or face for it in the settings of your device.`;
        case 'passkey-flags':
        case 'passkey-algorithm':
        case 'passkey-signature':
            return t`This key's answer does not hold. Use another one.`;
        case 'passkey-cloned':
            return t`There seem to be two of this key: it is stopped. Use another way to sign in, and tell the lab manager.`;
        case 'passkey-unknown':
            return t`This passkey is not known here any more, or not yours. Use another way.`;
        case 'passkey-known':
            return t`This key is registered already.`;
        case 'passkeys':
            return t`You have 20 passkeys already. Remove one first.`;
        case 'passkey-name':
            return t`Give the key a name of 1 to 60 characters, by which you know it.`;
        case 'totp-late':
            return t`This took more than five minutes. Start again.`;
        case 'second-person':
            return t`You asked for this yourself, or it is your own account: another person has to approve it.`;
        case 'own-account':
            return t`Nobody lets themselves in again: another person asks, and a third one approves.`;
        case 'no-account':
            return t`There is no account with this name, or it is closed.`;
        case 'approved':
            return t`This is approved already. If the code is lost, withdraw this and ask anew.`;
        default:
            return null;
    }
}
