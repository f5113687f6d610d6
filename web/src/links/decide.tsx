// Bypass, hold, and the policy that a link proposes: a reason, a fresh proof, and what follows from it said before.

import { Button, Modal, NativeSelect, Textarea } from '@mantine/core';
import { t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import { useState, type FormEvent, type ReactNode } from 'react';
import { call, Problem } from '../api/client';
import { client } from '../api/queries';
import type { LinkRules, RelayLink } from '../api/types';
import { Wrong } from '../pages/door';
import { show } from '../parts/say';
import { useAgain } from '../sign/again';
import { count, size } from '../time';
import { unknownWord } from './words';

export type Act = 'bypass' | 'hold' | 'policy';

function Refused({ error }: { error: unknown }) {
    if (!(error instanceof Problem)) {
        return <Trans>Not done.</Trans>;
    }
    switch (error.code) {
        case 'wrong-password':
            return <Trans>Not done: that is not your password. This attempt is recorded.</Trans>;
        case 'not-permitted':
            return <Trans>Not done: your role may not do this. This attempt is recorded.</Trans>;
        case 'offline':
            return <Trans>Not done: Tourniquet did not answer. Try again in a moment.</Trans>;
        default:
            return <Trans>Not done: {error.detail}</Trans>;
    }
}

function Rules({ rules }: { rules: LinkRules }) {
    const lists: [string, string[] | undefined][] = [
        [t`Message types`, rules.types],
        [t`Senders`, rules.senders],
        [t`Tests`, rules.tests],
    ];
    return (
        <dl className="facts">
            {lists.map(([word, list]) => (
                <div key={word} style={{ display: 'contents' }}>
                    <dt>{word}</dt>
                    <dd className="mono break">{list && list.length > 0 ? list.join(', ') : t`any`}</dd>
                </div>
            ))}
            <dt>
                <Trans>Largest message</Trans>
            </dt>
            <dd>{rules.size ? size(rules.size) : t`any`}</dd>
            <dt>
                <Trans>Messages a minute</Trans>
            </dt>
            <dd>{rules.rate ? t`at most ${count(rules.rate)}` : t`any`}</dd>
        </dl>
    );
}

/** The title, what follows, and the button of each. */
function words(act: Act, link: RelayLink): { title: string; effect: ReactNode; button: string; done: string } {
    const waiting = link.queue.messages;
    if (act === 'policy') {
        return {
            title: t`Policy of ${link.name}`,
            effect: <Trans>This was seen on the link while it learnt. Approve it only if all of it is right: what it does not name is treated as you choose below.</Trans>,
            button: t`Approve this policy`,
            done: t`The policy of ${link.name} is approved.`,
        };
    }
    if (act === 'bypass') {
        return link.bypass
            ? {
                  title: t`End the bypass of ${link.name}`,
                  effect: <Trans>Messages are checked and recorded again. No connection is cut.</Trans>,
                  button: t`End the bypass`,
                  done: t`${link.name} is checked and recorded again.`,
              }
            : {
                  title: t`Bypass ${link.name}`,
                  effect: (
                      <Trans>
                          Messages pass unchecked and unrecorded, as fast as they come. Encryption stays. Results that pass meanwhile cannot be proved. It is a finding until somebody ends
                          it.
                      </Trans>
                  ),
                  button: t`Bypass ${link.name}`,
                  done: t`${link.name} is bypassed.`,
              };
    }
    return link.hold
        ? {
              title: t`Let ${link.name} go on`,
              effect: <Trans>{count(waiting)} waiting messages go to the LIS now, in their order.</Trans>,
              button: t`Let it go on`,
              done: t`${link.name} goes on.`,
          }
        : {
              title: t`Hold ${link.name}`,
              effect:
                  link.mode === 'store-and-forward' ? (
                      <Trans>From now on no message goes on to the LIS. They wait here, up to {count(link.queue.max)}; the analyzer keeps running.</Trans>
                  ) : (
                      <Trans>From now on no message goes on to the LIS. The analyzer hears that it is not accepted, and keeps its results.</Trans>
                  ),
              button: t`Hold ${link.name}`,
              done: t`${link.name} is held.`,
          };
}

export function Decide({ act, link, close }: { act: Act; link: RelayLink; close: () => void }) {
    const [reason, setReason] = useState('');
    const again = useAgain();
    const [unknown, setUnknown] = useState('flag');
    const [asked, setAsked] = useState(false);
    const [waiting, setWaiting] = useState(false);
    const [wrong, setWrong] = useState<unknown>(null);
    const said = words(act, link);
    const why = reason.trim();
    const enough = why.split(/\s+/).filter((w) => w !== '').length >= 3;
    const submit = (event: FormEvent) => {
        event.preventDefault();
        setAsked(true);
        if (!enough || !again.ready || waiting) {
            return;
        }
        setWrong(null);
        setWaiting(true);
        const body = act === 'policy' ? { approve: true, unknown, reason: why } : { on: act === 'bypass' ? !link.bypass : !link.hold, reason: why };
        call('POST', `/links/${encodeURIComponent(link.name)}/${act}`, { body, proof: again.proof })
            .then(
                () => {
                    show({ text: said.done });
                    close();
                },
                (error: unknown) => setWrong(error),
            )
            .finally(() => {
                again.clear();
                setWaiting(false);
                void client.invalidateQueries({ queryKey: ['links'] });
            });
    };
    return (
        <Modal opened onClose={close} title={said.title} closeButtonProps={{ 'aria-label': t`Close` }}>
            <form onSubmit={submit} className="ask">
                <p>{said.effect}</p>
                {act === 'policy' && link.policy.proposed && (
                    <>
                        <Rules rules={link.policy.proposed} />
                        <NativeSelect
                            label={t`Messages that it does not allow`}
                            value={unknown}
                            onChange={(e) => setUnknown(e.currentTarget.value)}
                            data={['pass', 'flag', 'refuse'].map((value) => ({ value, label: unknownWord(value) }))}
                        />
                    </>
                )}
                {wrong !== null && (
                    <Wrong>
                        <Refused error={wrong} />
                    </Wrong>
                )}
                <Textarea
                    label={t`Why?`}
                    description={t`At least three words: they are kept with your name. No names of patients.`}
                    rows={2}
                    maxLength={500}
                    autoComplete="off"
                    value={reason}
                    onChange={(e) => setReason(e.currentTarget.value)}
                    error={asked && !enough ? t`Write a reason of at least three words.` : undefined}
                    data-autofocus
                />
                {again.field(asked && !waiting && wrong === null)}
                <div className="acts" style={{ justifyContent: 'flex-end' }}>
                    <Button variant="default" onClick={close}>
                        <Trans>Cancel</Trans>
                    </Button>
                    <Button type="submit" loading={waiting}>
                        {said.button}
                    </Button>
                </div>
            </form>
        </Modal>
    );
}
