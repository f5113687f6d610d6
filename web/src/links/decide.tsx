// Bypass, hold, and the policy that a link proposes: a reason, a fresh proof, and what follows from it said before.

import { Button, NativeSelect, Textarea } from '@mantine/core';
import { plural, t } from '@lingui/core/macro';
import { Trans } from '@lingui/react/macro';
import { useState, type ReactNode } from 'react';
import { call, Problem } from '../api/client';
import { client } from '../api/queries';
import type { LinkRules, RelayLink } from './types';
import { Wrong } from '../pages/door';
import { Box, Ends } from '../parts/box';
import { show } from '../parts/say';
import { useLooking } from '../phi/show';
import { useAgain } from '../sign/again';
import { count, size } from '../time';
import { unknownWord } from './words';

export type Act = 'bypass' | 'hold' | 'policy' | 'take-back';

function Refused({ error }: { error: unknown }) {
    if (!(error instanceof Problem)) {
        return <Trans>Not done.</Trans>;
    }
    switch (error.code) {
        case 'wrong-password':
            return <Trans>Not done: that is not your password. This attempt is recorded.</Trans>;
        case 'not-permitted':
            return <Trans>Not done: your role may not do this. This attempt is recorded.</Trans>;
        case 'look-first':
            return <Trans>Not done: look at the hidden names first.</Trans>;
        case 'doubt':
            return <Trans>Not done: results are held here because they may be wrong. Two people let them go on first.</Trans>;
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
    if (act === 'take-back') {
        return {
            title: t`Take the policy of ${link.name} back`,
            effect: <Trans>The link goes by lab.yaml again from now on. Where lab.yaml gives it time to learn, it begins to learn anew: everything passes meanwhile.</Trans>,
            button: t`Take it back`,
            done: t`The policy of ${link.name} was taken back.`,
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
              effect: (
                  <>
                      {link.doubt &&
                          (link.go_on_asked_by === null ? (
                              <Trans>It is held because results may be wrong, so two people let it go on: you ask, and another person confirms within 15 minutes.</Trans>
                          ) : (
                              <Trans>
                                  It is held because results may be wrong. {link.go_on_asked_by} asked to let it go on; another person confirms it here.
                              </Trans>
                          ))}{' '}
                      {link.mode === 'store-and-forward' ? (
                          <Trans>{count(waiting)} waiting messages go to the LIS then, in their order.</Trans>
                      ) : (
                          <Trans>Messages go on to the LIS then.</Trans>
                      )}
                  </>
              ),
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
    const [cause, setCause] = useState('work');
    const holds = act === 'hold' && !link.hold;
    const [hidden, setHidden] = useState('leave_out');
    const looking = useLooking();
    const rules = act === 'policy' ? link.policy.proposed : null;
    const [asked, setAsked] = useState(false);
    const [waiting, setWaiting] = useState(false);
    const [wrong, setWrong] = useState<unknown>(null);
    const said = words(act, link);
    const why = reason.trim();
    const enough = why.split(/\s+/).filter((w) => w !== '').length >= 3;
    const submit = () => {
        setAsked(true);
        if (!enough || !again.ready || waiting) {
            return;
        }
        setWrong(null);
        setWaiting(true);
        const body =
            act === 'policy'
                ? { approve: true, unknown, reason: why, ...(rules && rules.hidden > 0 ? { hidden } : {}) }
                : act === 'take-back'
                  ? { approve: false, reason: why }
                  : { on: act === 'bypass' ? !link.bypass : !link.hold, reason: why, ...(holds && cause === 'doubt' ? { doubt: true } : {}) };
        call('POST', `/links/${encodeURIComponent(link.name)}/${act === 'take-back' ? 'policy' : act}`, { body, proof: again.proof })
            .then(
                () => {
                    show({ text: said.done });
                    close();
                },
                (error: unknown) => {
                    if (error instanceof Problem && error.code === 'second-person') {
                        show({ text: t`Asked. ${link.name} goes on once another person confirms it here, within 15 minutes.` });
                        close();
                    } else {
                        setWrong(error);
                    }
                },
            )
            .finally(() => {
                again.clear();
                setWaiting(false);
                void client.invalidateQueries({ queryKey: ['links'] });
            });
    };
    /* The look has a window of its own, with its own reason: this one waits behind it. */
    if (looking.question) {
        return looking.question;
    }
    return (
        <Box title={said.title} close={close} submit={submit}>
            <p>{said.effect}</p>
            {holds && (
                <NativeSelect
                    label={t`Because of`}
                    description={cause === 'doubt' ? t`Two people let it go on, and it cannot be bypassed meanwhile.` : t`One person lets it go on.`}
                    value={cause}
                    onChange={(e) => setCause(e.currentTarget.value)}
                    data={[
                        { value: 'work', label: t`work on the link or the LIS` },
                        { value: 'doubt', label: t`results that may be wrong` },
                    ]}
                />
            )}
            {rules && (
                <>
                    <Rules rules={rules} />
                    {rules.hidden > 0 && (
                        <>
                            <p>
                                {plural(rules.hidden, {
                                    one: '# name has a long number in it, so it is hidden (T-…): it could be that of a person.',
                                    other: '# names have long numbers in them, so they are hidden (T-…): they could be those of persons.',
                                })}{' '}
                                {looking.may ? (
                                    <Trans>Look at them before you let them pass.</Trans>
                                ) : (
                                    <Trans>Your role may not see them: leave them out, or ask the lab manager to approve.</Trans>
                                )}
                            </p>
                            {looking.values}
                            {looking.may && rules.look_at !== null && (
                                <Button
                                    variant="default"
                                    disabled={looking.away}
                                    onClick={() => looking.ask({ record: rules.look_at as number, what: t`Hidden names in the policy of ${link.name}` })}
                                    style={{ alignSelf: 'flex-start' }}
                                >
                                    <Trans>Show the hidden names: reason…</Trans>
                                </Button>
                            )}
                            <NativeSelect
                                label={t`The hidden names`}
                                value={hidden}
                                onChange={(e) => setHidden(e.currentTarget.value)}
                                data={[
                                    { value: 'leave_out', label: t`leave them out: what they name is not allowed` },
                                    ...(looking.may ? [{ value: 'include', label: t`they may pass: I have looked at them` }] : []),
                                ]}
                            />
                        </>
                    )}
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
            <Ends close={close} go={said.button} busy={waiting} />
        </Box>
    );
}
